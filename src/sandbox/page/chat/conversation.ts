import type { SandboxMessage } from "../../slack/shapes.ts";
import type { Reader } from "../blocks/surface.ts";
import { type Html, html } from "../html.ts";
import { message } from "./message.ts";

/** A message and what was answered in its thread, oldest first. */
export interface Thread {
  readonly first: SandboxMessage;
  readonly replies: readonly SandboxMessage[];
}

/** Messages with their threads. A reply whose first message is not there stands by itself. */
export function threadsOf(messages: readonly SandboxMessage[]): readonly Thread[] {
  const known = new Set(messages.map(({ ts }) => ts));
  const isReply = ({ ts, thread_ts: of }: SandboxMessage) => of !== undefined && of !== ts && known.has(of);
  return messages
    .filter((each) => !isReply(each))
    .map((first) => ({ first, replies: messages.filter((each) => isReply(each) && each.thread_ts === first.ts) }));
}

/** What a reader sees in a channel, the newest at the bottom. */
export function conversation(messages: readonly SandboxMessage[], reader: Reader, title: string): Html {
  const threads = threadsOf(messages);
  const items = threads.map(
    ({ first, replies }) =>
      html`<li id="t-${idOfTs(first.ts)}">${message(first, reader)}${thread(replies, reader)}</li>`,
  );
  const empty = html`<li class="empty">Nothing was said here yet. Type <kbd>/</kbd> below to see what the bot can do.</li>`;
  return html`<div class="messages" role="log" aria-label="Messages in ${title}" tabindex="0"><ol>${items.length > 0 ? items : empty}</ol></div>`;
}

function thread(replies: readonly SandboxMessage[], reader: Reader): Html | undefined {
  if (replies.length === 0) return undefined;
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  const items = replies.map((each) => html`<li>${message(each, reader)}</li>`);
  return html`<details class="thread" open><summary>${count}</summary><ol>${items}</ol></details>`;
}

function idOfTs(ts: string): string {
  return ts.replace(".", "-");
}
