import type { KnownBlock } from "@slack/types";
import { isPermanent } from "../../access/request/duration.ts";

/** Slack's three control characters, so that no text of a user can become a mention, a link or a date. */
export function escapeText(text: string): string {
  if (!/[&<>]/.test(text)) return text;
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Marks that turn the direction of the text after them: a reason must not rearrange the message around it. */
const directionMarks = /[\u202a-\u202e\u2066-\u2069]/g;

/** What most texts have nothing of: each answer is made of dozens, and looking is cheaper than making them anew. */
const toBeOneLine = /[\u202a-\u202e\u2066-\u2069]|\s\s|[^\S ]|^\s|\s$/;

function oneLine(text: string): string {
  if (!toBeOneLine.test(text)) return text;
  return text.replace(directionMarks, "").replace(/\s+/g, " ").trim();
}

/**
 * Text in a sentence: escaped, on one line, without the marks that Slack would format. What is put between them must
 * never get into an ARN that somebody copies: ARNs are in code style.
 */
export function plainLine(text: string): string {
  return oneLine(text)
    .split(/(\barn:[\w-]+:[\w-]+:[\w-]*:\d{12}:[\w+=.@/-]*[\w+=@/-])/)
    .map((part, index) => (index % 2 === 1 ? code(part) : plain(part)))
    .join("");
}

/** What Slack formats. An underscore within a word is none: names such as EC2_LINUX are copied as they stand. */
const MARK = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:(?=[\w+'-]+:)/gu;

function plain(text: string): string {
  return escapeText(text).replace(MARK, (mark) => `${mark}\u200b`);
}

/** What `told` shows in another way: values between backticks, names such as system:masters, ARNs, and times as ISO 8601. */
const valueInSentence =
  /(`[^`]*`|\bsystem:[a-z]+(?::[\w.-]+)*|\barn:[\w-]+:[\w-]+:[\w-]*:\d{12}:[\w+=.@/-]*[\w+=@/-]|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** A sentence that the domain wrote: its values in code style, its times in the reader's zone, cut between its parts. */
export function told(sentence: string, maxLength = 600): string {
  let text = "";
  for (const [index, part] of oneLine(sentence).split(valueInSentence).entries()) {
    const next = index % 2 === 0 ? cut(plain(part), maxLength) : valueText(part);
    if (text.length + next.length > maxLength) return `${text}…`;
    text += next;
  }
  return text;
}

function valueText(part: string): string {
  if (part.startsWith("`")) return part.length > 2 ? code(part.slice(1, -1), 300) : part;
  return /^\d/.test(part) ? time(part) : code(part);
}

/** Text in code style, on one line. A backtick inside would end it. */
export function code(text: string, maxLength = 700): string {
  return `\`${cut(escapeText(oneLine(text)).replaceAll("`", "'"), maxLength)}\``;
}

/** Names in code style, as many as fit. What is left out is counted. */
export function codeList(names: readonly string[], maxLength: number): string {
  const shown: string[] = [];
  let length = 0;
  for (const name of names) {
    const next = code(name, 200);
    length += next.length + 2;
    if (length > maxLength - 12) break;
    shown.push(next);
  }
  const left = names.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

/** A code block that fits into one section: what is cut is said. */
export function codeBlock(text: string, maxLength = 2800): string {
  // Two backticks in a row, or one beside the fence, would end the block.
  const whole = escapeText(text).replace(/`{2,}|^`|`$/g, (marks) => "'".repeat(marks.length));
  if (whole.length <= maxLength) return `\`\`\`${whole}\`\`\``;
  const [first = "", ...rest] = whole.split("\n");
  const lines = [cut(first, maxLength - 60)];
  let length = lines[0]?.length ?? 0;
  for (const line of rest) {
    length += line.length + 1;
    if (length > maxLength - 60) break;
    lines.push(line);
  }
  const left = rest.length + 1 - lines.length;
  const more = left > 0 ? `\n… ${left} more line${left === 1 ? "" : "s"}` : "";
  return `\`\`\`${lines.join("\n")}${more}\`\`\``;
}

/** A time in the reader's own zone; `fallback` is what clients show that can't. */
export function time(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return Number.isNaN(seconds)
    ? code(iso)
    : `<!date^${seconds}^{date_short_pretty} {time}|${new Date(iso).toISOString()}>`;
}

/** The same in at most 58 characters, for an option of a form: Slack takes 75 for the whole of its text. */
export function shortTime(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return `<!date^${seconds}^{date_short_pretty} {time}|${iso.slice(5, 16).replace("T", " ")}Z>`;
}

/** When a lease is over, to go on from "is active": a permanent one is not. */
export function until(iso: string, durationSeconds: number): string {
  return isPermanent(durationSeconds) ? "until somebody takes it away" : `until ${time(iso)}`;
}

/** A person or a user group of Slack; what is no id of one, for example `worker`, is shown as it is. */
export function mention(user: string): string {
  if (/^S[A-Z0-9]+$/.test(user)) return `<!subteam^${user}>`;
  return /^[UW][A-Z0-9]+$/.test(user) ? `<@${user}>` : code(user);
}

/** People, as many as anybody would read. */
export function mentions(users: readonly string[]): string {
  const shown = users.slice(0, 20).map(mention);
  return [...shown, ...(users.length > 20 ? [`${users.length - 20} more`] : [])].join(", ");
}

/** `verbatim`: Slack would make links of addresses, channels and people of names in the text by itself otherwise. */
function mrkdwn(text: string, maxLength: number) {
  return { type: "mrkdwn" as const, text: cut(text, maxLength), verbatim: true };
}

export function section(text: string): KnownBlock {
  return { type: "section", text: mrkdwn(text, 3000) };
}

export function fields(texts: readonly string[]): KnownBlock {
  return { type: "section", fields: texts.slice(0, 10).map((text) => mrkdwn(text, 2000)) };
}

export function context(text: string): KnownBlock {
  return { type: "context", elements: [mrkdwn(text, 3000)] };
}

/** Never cuts inside an escape, which would show as a stray ampersand, nor inside a character. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/&[a-z]{0,3}$|[\ud800-\udbff]$/, "")}…`;
}
