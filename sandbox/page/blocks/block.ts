import { isObject, type JsonObject, listAt, textAt } from "../../slack/json.ts";
import { textOf } from "../../slack/text-of.ts";
import { type Content, type Html, html, safeUrl } from "../html.ts";
import { button, overflow } from "./buttons.ts";
import { isControl, labelled, lonelyControl } from "./controls.ts";
import { mrkdwn } from "./mrkdwn.ts";
import { richText } from "./rich-text.ts";
import type { Surface } from "./surface.ts";
import { table } from "./table.ts";
import { paragraph, text, wordsOf } from "./text.ts";

/** Blocks as Slack shows them, in their order. What this page has no picture for shows its text. */
export function blocks(list: readonly JsonObject[], surface: Surface): readonly Html[] {
  return list.map((block) => html`<div class="block ${String(block.type)}">${blockOf(block, surface)}</div>`);
}

function blockOf(block: JsonObject, surface: Surface): Content {
  const { reader } = surface;
  switch (block.type) {
    case "section":
      return section(block, surface);
    case "header":
      return html`<h3>${wordsOf(block.text)}</h3>`;
    case "divider":
      return html`<hr>`;
    case "context":
      return listAt(block, "elements").map((each) => contextElement(each, surface));
    case "actions":
    case "context_actions":
      return listAt(block, "elements").map((each) => element(each, block, surface));
    case "input":
      return isObject(block.element) && labelled({ surface, blockId: idOfBlock(block), element: block.element }, block);
    case "image":
      return picture(block);
    case "rich_text":
      return richText(block, reader);
    case "markdown":
      return html`<div class="text">${mrkdwn(fromMarkdown(textAt(block, "text") ?? ""), reader)}</div>`;
    case "table":
    case "data_table":
      return table(block, reader);
    case "alert":
      return html`<div class="alert ${textAt(block, "level") ?? "default"}">${text(block.text, reader)}</div>`;
    default:
      return html`<div class="text unknown">${textOf({ blocks: [block] })}</div>`;
  }
}

/** The markdown of a markdown block that mrkdwn spells in another way. */
function fromMarkdown(words: string): string {
  return words
    .replace(/\*\*(.+?)\*\*/g, "*$1*")
    .replace(/^#{1,6} +(.*)$/gm, "*$1*")
    .replace(/^[-*] +/gm, "• ")
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>");
}

function idOfBlock(block: JsonObject): string {
  return textAt(block, "block_id") ?? "";
}

function section(block: JsonObject, surface: Surface): Html {
  const fields = listAt(block, "fields");
  return html`<div class="words">
      ${block.text ? paragraph(block.text, surface.reader) : ""}
      ${fields.length > 0 && html`<div class="fields">${fields.map((field) => paragraph(field, surface.reader))}</div>`}
    </div>
    ${isObject(block.accessory) && html`<div class="accessory">${element(block.accessory, block, surface)}</div>`}`;
}

function contextElement(part: JsonObject, { reader }: Surface): Content {
  return part.type === "image" ? picture(part) : html`<span class="text">${text(part, reader)}</span>`;
}

function element(given: JsonObject, block: JsonObject, surface: Surface): Content {
  const placed = { surface, blockId: idOfBlock(block), element: given };
  if (given.type === "image") return picture(given);
  if (given.type === "overflow") return overflow(placed);
  if (isControl(given)) return lonelyControl(placed);
  return ["button", "icon_button", "workflow_button"].includes(String(given.type)) ? button(placed) : undefined;
}

/** Pictures of elsewhere are not loaded: the page works offline, and asks nobody outside. */
function picture(image: JsonObject): Html {
  const url = safeUrl(image.image_url);
  const label = html`🖼 ${textAt(image, "alt_text") ?? "a picture"}`;
  return url
    ? html`<a class="picture" href="${url}" target="_blank" rel="noreferrer">${label}</a>`
    : html`<span class="picture">${label}</span>`;
}
