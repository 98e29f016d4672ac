import { isObject, type JsonObject, listAt, objectAt, textAt } from "../json.ts";
import { inputsOf, type SandboxMessage, type SandboxUser } from "../slack/inputs.ts";
import { textOf } from "../slack/message-content.ts";
import { button, labelled, lonelyControl, type Surface } from "./blocks/controls.ts";
import { codeBlock, formatDate, link, mrkdwn, paragraph, type Reader, text, wordsOf } from "./blocks/mrkdwn.ts";
import { attributes, type Content, type Html, html } from "./html.ts";

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

export const direct = "direct";

export const home = "home";

/** A reply without its first message is a thread of its own. */
export function threadsOf(messages: readonly SandboxMessage[]) {
  const known = new Set(messages.map(({ ts }) => ts));
  const isReply = ({ ts, thread_ts: of }: SandboxMessage) => of !== undefined && of !== ts && known.has(of);
  return messages
    .filter((each) => !isReply(each))
    .map((first) => ({ first, replies: messages.filter((each) => isReply(each) && each.thread_ts === first.ts) }));
}

const guide = html`<p>There are no messages here yet. Take the tour, or play the story by yourself:</p>
  <ol>
    <li>As <b>engineer</b>, ask for access: with the form, or in one line. The buttons below write it for you.</li>
    <li>Become <b>approver</b> at the top. The card says who asks for what, and Details the exact change. Approve it.</li>
    <li>Look at the cluster: what was written, and that <code>kubectl get pods</code> works now.</li>
    <li>Revoke it, or let its time run out: everything is as it was, byte for byte.</li>
    <li>Then <b>try to break it</b>: each step holds, whatever fails in it.</li>
  </ol>`;

export function conversation(messages: readonly SandboxMessage[], reader: Reader, title: string, place = ""): Html {
  const threads = threadsOf(messages);
  const items = threads.map(
    ({ first, replies }) =>
      html`<li id="t-${first.ts.replace(".", "-")}">${message(first, reader)}${thread(replies, reader)}</li>`,
  );
  const empty = place === direct ? html`<p>eks-access writes to you here.</p>` : guide;
  return html`<div class="messages" role="log" aria-label="Messages in ${title}" tabindex="0"><ol>${items.length > 0 ? items : html`<li class="empty">${empty}</li>`}</ol></div>`;
}

/** Folded, as in Slack, below a line that announces it. */
function thread(replies: readonly SandboxMessage[], reader: Reader): Html | undefined {
  const last = replies.at(-1);
  if (!last) return undefined;
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  const at = formatDate(Math.floor(Number(last.ts)), "{time}", reader.user.timezone, reader.now);
  const items = replies.map((each) => html`<li>${message(each, reader)}</li>`);
  return html`<details class="thread"><summary>${count}, the last at ${at}</summary><ol>${items}</ol></details>`;
}

function message(shown: SandboxMessage, reader: Reader): Html {
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

/** The page's person and place. Each browser tab chooses them, in the page's address. */
export interface Viewer {
  readonly as: SandboxUser;
  /** A channel's id, the direct conversation with the bot, or the app's Home tab. */
  readonly place: string;
  readonly at: string;
}

/** Reads `?as=U0ENGINEER&in=C0ACCESS&at=staging`; the first person, place or cluster replaces an unknown one. */
export function readViewer(
  query: URLSearchParams,
  known: { people: readonly SandboxUser[]; channels: readonly string[]; clusters: readonly string[] },
): Viewer {
  const [first, ...others] = known.people;
  if (!first) throw new Error("the workspace has no people");
  const as = others.find(({ id }) => id === query.get("as")) ?? first;
  const place = query.get("in") ?? "";
  const [channel = direct] = known.channels;
  const [cluster = ""] = known.clusters;
  const at = query.get("at") ?? "";
  return {
    as,
    at: known.clusters.includes(at) ? at : cluster,
    place: [...known.channels, direct, home].includes(place) ? place : channel,
  };
}

export function addressOf(user: string, place: string, at: string): string {
  return `/?${new URLSearchParams({ as: user, in: place, at })}`;
}
