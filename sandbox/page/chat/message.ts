import { inputsOf } from "../../slack/inputs.ts";
import type { SandboxMessage } from "../../slack/shapes.ts";
import { blocks } from "../blocks/block.ts";
import { formatDate } from "../blocks/dates.ts";
import { mrkdwn } from "../blocks/mrkdwn.ts";
import type { Reader, Surface } from "../blocks/surface.ts";
import { attributes, type Html, html } from "../html.ts";

/** One message, as the reader sees it: its blocks where it has any, else its text. */
export function message(shown: SandboxMessage, reader: Reader): Html {
  const id = `m-${shown.ts.replace(".", "-")}`;
  const own = shown.ephemeralTo !== undefined;
  const at = Math.floor(Number(shown.ts));
  const zone = reader.user.timezone;
  return html`<article id="${id}" class="message${own && " own"}" data-edits="${shown.edits}" aria-label="eks-access at ${formatDate(at, "{time}", zone, reader.now)}">
    <span class="avatar bot" aria-hidden="true">ea</span>
    <header><b>eks-access</b> <span class="app">app</span>
      <time datetime="${new Date(at * 1000).toISOString()}"${attributes({ title: formatDate(at, "{date_long} {time_secs}", zone, reader.now) })}>${formatDate(at, "{time}", zone, reader.now)}</time>
      ${own && html`<span class="only">Only visible to you</span>`}
    </header>
    <div class="body">${body(shown, reader, id)}</div>
  </article>`;
}

function body(shown: SandboxMessage, reader: Reader, id: string): readonly Html[] {
  if (shown.blocks.length === 0) return [html`<div class="text">${mrkdwn(shown.text, reader)}</div>`];
  const surface: Surface = {
    reader,
    id,
    address: { as: reader.user.id, channel: shown.channel, ts: shown.ts },
    inputs: inputsOf(shown.blocks),
    errors: {},
  };
  return blocks(shown.blocks, surface);
}
