import { isObject, type JsonObject, listAt, textAt } from "../../slack/json.ts";
import { type Content, type Html, html } from "../html.ts";
import { richText } from "./rich-text.ts";
import type { Reader } from "./surface.ts";

/** A table; its first row is the heading, as Slack has it. @see https://docs.slack.dev/reference/block-kit/blocks/table-block */
export function table(block: JsonObject, reader: Reader): Html {
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
