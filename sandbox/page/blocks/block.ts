import { isObject, type JsonObject, listAt, objectAt, textAt } from "../../slack/json.ts";
import { textOf } from "../../slack/message-content.ts";
import { type Content, type Html, html, safeUrl } from "../html.ts";
import { button, overflow } from "./buttons.ts";
import { isControl, labelled, lonelyControl } from "./controls.ts";
import { emoji } from "./emoji.ts";
import { codeBlock, date, link, mrkdwn, userMention } from "./mrkdwn.ts";
import type { Reader, Surface } from "./surface.ts";
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

/** Pictures of elsewhere are not loaded: the page works offline. */
function picture(image: JsonObject): Html {
  const url = safeUrl(image.image_url);
  const label = html`🖼 ${textAt(image, "alt_text") ?? "a picture"}`;
  return url
    ? html`<a class="picture" href="${url}" target="_blank" rel="noreferrer">${label}</a>`
    : html`<span class="picture">${label}</span>`;
}

/** A table; its first row is the heading, as Slack has it. @see https://docs.slack.dev/reference/block-kit/blocks/table-block */
function table(block: JsonObject, reader: Reader): Html {
  const rows = Array.isArray(block.rows) ? block.rows.filter(Array.isArray) : [];
  const settings = listAt(block, "column_settings");
  const cell = (value: unknown, column: number, tag: "th" | "td"): Content => {
    const align = textAt(settings[column], "align") ?? "left";
    const shown = cellOf(value, reader);
    return tag === "th"
      ? html`<th scope="col" class="${align}">${shown}</th>`
      : html`<td class="${align}">${shown}</td>`;
  };
  const [head = [], ...body] = rows;
  const caption = textAt(block, "caption");
  return html`<div class="scroll" tabindex="0"><table>
    ${caption && html`<caption>${caption}</caption>`}
    <thead><tr>${head.map((value: unknown, column: number) => cell(value, column, "th"))}</tr></thead>
    <tbody>${body.map((row) => html`<tr>${row.map((value: unknown, column: number) => cell(value, column, "td"))}</tr>`)}</tbody>
  </table></div>`;
}

function cellOf(value: unknown, reader: Reader): Content {
  if (isObject(value) && value.type === "rich_text") return richText(value, reader);
  return textAt(value, "text");
}

/** @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
function richText(block: JsonObject, reader: Reader): Html {
  return html`<div class="text">${listAt(block, "elements").map((part) => partOf(part, reader))}</div>`;
}

function partOf(part: JsonObject, reader: Reader): Content {
  const inner = () => listAt(part, "elements").map((each) => inline(each, reader));
  switch (part.type) {
    case "rich_text_section":
      return html`<div>${inner()}</div>`;
    case "rich_text_quote":
      return html`<blockquote>${inner()}</blockquote>`;
    case "rich_text_preformatted":
      return codeBlock(
        listAt(part, "elements")
          .map((each) => textAt(each, "text") ?? "")
          .join(""),
      );
    case "rich_text_list":
      return list(part, reader);
    default:
      return inline(part, reader);
  }
}

function list(part: JsonObject, reader: Reader): Html {
  const items = listAt(part, "elements").map((item) => html`<li>${partOf(item, reader)}</li>`);
  const level = `indent-${Math.min(Number(part.indent ?? 0), 4)}`;
  return part.style === "ordered"
    ? html`<ol class="${level}" start="${Number(part.offset ?? 0) + 1}">${items}</ol>`
    : html`<ul class="${level}">${items}</ul>`;
}

function inline(element: JsonObject, reader: Reader): Content {
  const words = textAt(element, "text");
  switch (element.type) {
    case "text":
      return styled(words, objectAt(element, "style"));
    case "link":
      return styled(link(textAt(element, "url") ?? "", words), objectAt(element, "style"));
    case "user":
      return userMention(textAt(element, "user_id") ?? "", reader);
    case "channel":
      return html`<span class="mention">#${reader.channels.find(({ id }) => id === element.channel_id)?.name}</span>`;
    case "emoji":
      return emoji(textAt(element, "name") ?? "");
    case "broadcast":
      return html`<span class="mention">@${textAt(element, "range")}</span>`;
    case "date":
      return date(Number(element.timestamp), textAt(element, "format") ?? "{date}", reader);
    default:
      return words ?? (isObject(element) ? textAt(element, "value") : undefined);
  }
}

function styled(words: Content, style: JsonObject): Content {
  let shown = words;
  if (style.code) shown = html`<code>${shown}</code>`;
  if (style.strike) shown = html`<s>${shown}</s>`;
  if (style.italic) shown = html`<em>${shown}</em>`;
  return style.bold ? html`<strong>${shown}</strong>` : shown;
}
