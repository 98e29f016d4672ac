import { textAt } from "../../slack/json.ts";
import { type Content, type Html, html } from "../html.ts";
import { emoji } from "./emoji.ts";
import { mrkdwn } from "./mrkdwn.ts";
import type { Reader } from "./surface.ts";

/** A text object, plain or mrkdwn. Nothing where there is none. */
export function text(object: unknown, reader: Reader): Content {
  const words = textAt(object, "text");
  if (words === undefined) return undefined;
  return textAt(object, "type") === "mrkdwn" ? mrkdwn(words, reader) : withEmoji(words);
}

/** A text object as words alone: for attributes and options. */
export function wordsOf(object: unknown): string {
  return withEmoji(textAt(object, "text") ?? "");
}

function withEmoji(words: string): string {
  return words.replace(/:([\w+'-]+):/g, (_, name: string) => emoji(name));
}

export function paragraph(object: unknown, reader: Reader): Html {
  return html`<div class="text">${text(object, reader)}</div>`;
}
