import type { KnownBlock, ModalView, RichTextBlock } from "@slack/types";
import type { Message } from "../../../src/slack/show/message.ts";

/** What a person reads, block by block; a button as `[Approve]`. */
export function textOfBlocks({ blocks }: Pick<Message, "blocks">): string {
  return blocks.map(textOfBlock).join("\n");
}

function textOfBlock(block: KnownBlock): string {
  if (block.type === "section") {
    return [block.text?.text, ...(block.fields ?? []).map(({ text }) => text)].filter(Boolean).join("\n");
  }
  if (block.type === "context") return block.elements.map((each) => ("text" in each ? each.text : "")).join("\n");
  if (block.type === "actions") {
    return block.elements.map((each) => (each.type === "button" ? `[${each.text.text}]` : "")).join(" ");
  }
  if (block.type === "rich_text") return block.elements.map(textOfCode).join("\n");
  return block.type;
}

/** Ours hold blocks of code alone. */
function textOfCode(part: RichTextBlock["elements"][number]): string {
  if (part.type !== "rich_text_preformatted") return part.type;
  return `\`\`\`${part.elements.map((each) => ("text" in each ? each.text : "")).join("")}\`\`\``;
}

/** What a person reads in a form, line by line; inputs as `label <kind>`. */
export function linesOfView({ title, submit, close, blocks }: ModalView): readonly string[] {
  const texts = (blocks as readonly KnownBlock[]).map((block) => {
    if (block.type === "input") {
      const { element, label, optional } = block;
      const options = "options" in element ? (element.options ?? []).map(({ text }) => text.text) : [];
      return `${label.text} <${element.type}${optional ? ", optional" : ""}> ${options.join(" | ")}`.trim();
    }
    if (block.type === "context") return JSON.stringify(block.elements.map((each) => "text" in each && each.text));
    if (block.type !== "section") return block.type;
    const accessory = block.accessory?.type === "button" ? ` [${block.accessory.text.text}]` : "";
    return `${block.text?.text}${accessory}`;
  });
  return [`${title.text} [${submit?.text ?? "-"}] [${close?.text}]`, ...texts];
}
