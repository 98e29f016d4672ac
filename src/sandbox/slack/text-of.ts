import { isObject, type JsonObject, listAt, objectAt, textAt } from "./json.ts";

/** All visible text of a message or view, one line a block. Without blocks, a message shows its text. */
export function textOf(shown: { text?: string; title?: string; blocks: readonly JsonObject[] }): string {
  const lines = shown.blocks.map(textOfBlock).filter((line) => line !== "");
  if (shown.title) lines.unshift(shown.title);
  return lines.length > 0 ? lines.join("\n") : readable(shown.text ?? "");
}

/** The visible text of one block: buttons and inputs in brackets. */
export function textOfBlock(block: JsonObject): string {
  const parts = [
    textOfObject(block.label),
    textOfObject(block.title),
    textOfObject(block.text),
    ...listAt(block, "fields").map(textOfObject),
    textOfElement(block.accessory),
    textOfElement(block.element),
    ...listAt(block, "elements").map(textOfElement),
    ...tableCells(block).map(textOfElement),
    textOfObject(block.hint),
    textAt(block, "alt_text") ?? "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** Parts of rich text and cells of tables, which hold their text as it is. */
const bare = ["text", "link", "raw_text", "raw_number"];

/** What an element shows: the text of a button, the chosen option, what stands in an input. */
function textOfElement(element: unknown): string {
  if (!isObject(element)) return "";
  if (element.type === "mrkdwn" || element.type === "plain_text") return textOfObject(element);
  if (element.type === "button") return `[${textOfObject(element.text)}]`;
  if (bare.includes(String(element.type))) return textAt(element, "text") ?? textAt(element, "url") ?? "";
  if (element.type === "user") return `<@${textAt(element, "user_id")}>`;
  if (Array.isArray(element.elements)) return listAt(element, "elements").map(textOfElement).join("");
  const chosen = [element.initial_option, ...listAt(element, "initial_options")]
    .map((option) => textOfObject(objectAt(option, "text")))
    .filter((text) => text !== "");
  const shown = textAt(element, "initial_value") ?? textAt(element, "alt_text") ?? chosen.join(", ");
  return shown === "" ? "" : `[${readable(shown)}]`;
}

function tableCells(block: JsonObject): readonly unknown[] {
  return Array.isArray(block.rows) ? block.rows.flat() : [];
}

/** The text of a text object, or of a markdown block, whose text is a string. */
function textOfObject(value: unknown): string {
  return readable(typeof value === "string" ? value : (textAt(value, "text") ?? ""));
}

/** Slack's three escapes, taken back as the reader sees them. */
function readable(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
