import { isObject, type JsonObject, listAt, objectAt, textAt } from "../../json.ts";
import { textOf } from "../../slack/message-content.ts";
import { type Content, type Html, html } from "../html.ts";
import { button, labelled, lonelyControl } from "./controls.ts";
import { codeBlock, link, paragraph, text, wordsOf } from "./mrkdwn.ts";
import type { Surface } from "./surface.ts";

/** An unknown block shows its text. */
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
      return listAt(block, "elements").map((each) => html`<span class="text">${text(each, reader)}</span>`);
    case "actions":
      return listAt(block, "elements").map((each) => element(each, block, surface));
    case "input":
      return isObject(block.element) && labelled({ surface, blockId: idOfBlock(block), element: block.element }, block);
    case "rich_text":
      return html`<div class="text">${listAt(block, "elements").map(richText)}</div>`;
    default:
      return html`<div class="text unknown">${textOf({ blocks: [block] })}</div>`;
  }
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

function element(given: JsonObject, block: JsonObject, surface: Surface): Content {
  const placed = { surface, blockId: idOfBlock(block), element: given };
  return given.type === "button" ? button(placed) : lonelyControl(placed);
}

/** @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
function richText(part: JsonObject): Content {
  if (part.type === "rich_text_preformatted")
    return codeBlock(
      listAt(part, "elements")
        .map((each) => textAt(each, "text") ?? "")
        .join(""),
    );
  return html`<div>${listAt(part, "elements").map(inline)}</div>`;
}

function inline(part: JsonObject): Content {
  const words = textAt(part, "text");
  const style = objectAt(part, "style");
  let shown: Content = part.type === "link" ? link(textAt(part, "url") ?? "", words) : words;
  if (style.code) shown = html`<code>${shown}</code>`;
  if (style.strike) shown = html`<s>${shown}</s>`;
  if (style.italic) shown = html`<em>${shown}</em>`;
  return style.bold ? html`<strong>${shown}</strong>` : shown;
}
