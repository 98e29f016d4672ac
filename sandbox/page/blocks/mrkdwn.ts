import { type Node, NodeType, parse } from "slack-message-parser";
import { textAt } from "../../json.ts";
import type { SandboxChannel, SandboxUser } from "../../slack/inputs.ts";
import { type Content, type Html, html, safeUrl } from "../html.ts";

export interface Reader {
  readonly user: SandboxUser;
  readonly people: readonly SandboxUser[];
  readonly channels: readonly SandboxChannel[];
  readonly now: Date;
}

export function text(object: unknown, reader: Reader): Content {
  const words = textAt(object, "text");
  if (words === undefined) return undefined;
  return textAt(object, "type") === "mrkdwn" ? mrkdwn(words, reader) : withEmoji(words);
}

export function wordsOf(object: unknown): string {
  return withEmoji(textAt(object, "text") ?? "");
}

function withEmoji(words: string): string {
  return words.replace(/:([\w+'-]+):/g, (_, name: string) => emoji(name));
}

export function paragraph(object: unknown, reader: Reader): Html {
  return html`<div class="text">${text(object, reader)}</div>`;
}

/** Slack's mrkdwn as markup. @see https://docs.slack.dev/messaging/formatting-message-text/ */
export function mrkdwn(text: string, reader: Reader): Html {
  // For Slack a bare > at the start of a line is a quotation, like the escaped one that the parser knows.
  return html`${children(parse(spaced(text.replaceAll(/^>/gm, "&gt;"))).children, reader)}`;
}

/** White space for the parser, invisible to the reader. */
const gap = "\ufeff";

/** Slack ends code before any sign that is no letter, as in `a`: or "`a`". The parser knows fewer signs, but takes white space. */
function spaced(text: string): string {
  return text.replace(/```[\s\S]+?```|`[^`\n]+`/g, (code, at: number) => {
    const before = /[^\w\s.,([{!?\-=*_~]$/.test(text.slice(0, at)) ? gap : "";
    const after = /^[^\w\s.,\])}!?\-=*_~]/.test(text.slice(at + code.length)) ? gap : "";
    return before + code + after;
  });
}

function children(nodes: readonly Node[], reader: Reader): readonly Content[] {
  return nodes.map((node) => nodeOf(node, reader));
}

function nodeOf(node: Node, reader: Reader): Content {
  switch (node.type) {
    case NodeType.Text:
      return unescapeText(node.text);
    case NodeType.Bold:
      return html`<strong>${children(node.children, reader)}</strong>`;
    case NodeType.Italic:
      return html`<em>${children(node.children, reader)}</em>`;
    case NodeType.Strike:
      return html`<s>${children(node.children, reader)}</s>`;
    case NodeType.Quote:
      return html`<blockquote>${children(node.children, reader)}</blockquote>`;
    case NodeType.Code:
      return html`<code>${unescapeText(node.text)}</code>`;
    case NodeType.PreText:
      return codeBlock(unescapeText(node.text).replace(/^\n/, ""));
    case NodeType.Emoji:
      return emoji(node.name);
    case NodeType.Root:
      return children(node.children, reader);
    default:
      return reference(node, reader);
  }
}

function reference(
  node: Extract<Node, { type: NodeType.UserLink | NodeType.ChannelLink | NodeType.URL | NodeType.Command }>,
  reader: Reader,
): Content {
  const label = node.label && children(node.label, reader);
  switch (node.type) {
    case NodeType.UserLink:
      return userMention(node.userID, reader);
    case NodeType.ChannelLink:
      return html`<span class="mention">#${label ?? reader.channels.find(({ id }) => id === node.channelID)?.name ?? node.channelID}</span>`;
    case NodeType.URL:
      return link(unescapeText(node.url), label);
    case NodeType.Command:
      return command(node.name, node.arguments, label, reader);
  }
}

function userMention(id: string, { user, people }: Reader): Html {
  const name = people.find((each) => each.id === id)?.name ?? (id === "U0BOT" ? "eks-access" : id);
  return html`<span class="mention${id === user.id && " me"}">@${name}</span>`;
}

export function link(url: string, label: Content): Html {
  const safe = safeUrl(url);
  const shown = label || url;
  return safe ? html`<a href="${safe}" target="_blank" rel="noreferrer">${shown}</a>` : html`<span>${shown}</span>`;
}

/** A block of code; the lines of a difference have signs besides colours. */
export function codeBlock(text: string): Html {
  const isDiff = /^--- .*\n\+\+\+ /m.test(text);
  const lines = text.trimEnd().split("\n");
  return html`<pre tabindex="0"><code>${isDiff ? lines.map(diffLine) : text}</code></pre>`;
}

function diffLine(line: string): Content {
  if (/^\+(?!\+\+ )/.test(line)) return html`<ins>${line}\n</ins>`;
  if (/^-(?!-- )/.test(line)) return html`<del>${line}\n</del>`;
  return `${line}\n`;
}

function command(name: string, [first = "", format = ""]: readonly string[], label: Content, reader: Reader): Content {
  const seconds = Number(first);
  if (name === "date" && Math.abs(seconds) < 8.64e12) return date(seconds, format, reader);
  // The handle of a user group: the sandbox has it from the id.
  const handle = name === "subteam" ? first.toLowerCase() : name;
  return html`<span class="mention">${label ?? `@${handle}`}</span>`;
}

function date(seconds: number, format: string, { user, now }: Reader): Html {
  const shown = formatDate(seconds, format, user.timezone, now);
  return html`<time datetime="${new Date(seconds * 1000).toISOString()}">${shown}</time>`;
}

function unescapeText(text: string): string {
  return text.replaceAll(gap, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** The emoji of the bot's names; other names stay as text. */
const pictures: Readonly<Record<string, string>> = {
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  no_entry: "⛔",
  rotating_light: "🚨",
  warning: "⚠️",
  white_check_mark: "✅",
  zzz: "💤",
};

function emoji(name: string): string {
  return pictures[name] ?? `:${name}:`;
}

/** The words of Slack's date tokens. @see https://docs.slack.dev/messaging/formatting-message-text/#date-formatting */
const formats: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { year: "numeric", month: "long", day: "numeric", weekday: "long" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

/** Fills in a format such as `{date_short_pretty} {time}` for a time zone (IANA name). `now` decides which day is today. */
export function formatDate(seconds: number, format: string, timeZone: string, now: Date): string {
  const at = new Date(seconds * 1000);
  return format.replace(/\{(\w+)\}/g, (token, name: string) => {
    if (name === "ago") return ago(at, now);
    const plain = name.replace(/_pretty$/, "");
    const options = formats[plain];
    if (!options) return token;
    return (name === plain ? undefined : nearDay(at, now, timeZone)) ?? inZone(at, options, timeZone);
  });
}

function inZone(at: Date, options: Intl.DateTimeFormatOptions, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone }).format(at);
}

function nearDay(at: Date, now: Date, timeZone: string): string | undefined {
  const dayOf = (date: Date) => inZone(date, { year: "numeric", month: "2-digit", day: "2-digit" }, timeZone);
  const days = { today: 0, tomorrow: 1, yesterday: -1 };
  return Object.entries(days).find(
    ([, offset]) => dayOf(at) === dayOf(new Date(now.getTime() + offset * 24 * 3600 * 1000)),
  )?.[0];
}

function ago(at: Date, now: Date): string {
  const minutes = Math.round((at.getTime() - now.getTime()) / 60_000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  return Math.abs(minutes) < 90 ? words.format(minutes, "minute") : words.format(Math.round(minutes / 60), "hour");
}
