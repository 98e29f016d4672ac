import { isObject, type JsonObject, listAt, objectAt, textAt } from "../../slack/json.ts";
import { type Content, type Html, html } from "../html.ts";
import { emoji } from "./emoji.ts";
import { codeBlock, date, link, userMention } from "./mrkdwn.ts";
import type { Reader } from "./surface.ts";

/** @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
export function richText(block: JsonObject, reader: Reader): Html {
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
