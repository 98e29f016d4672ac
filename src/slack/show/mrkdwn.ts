import type { Button, KnownBlock, RichTextBlock } from "@slack/types";
import { isPermanent } from "../../access/lease/lease-record.ts";
import { jsonEscapes } from "../../access/redact.ts";

/** Escapes Slack's three control characters: no text of a user becomes a mention, a link or a date. */
export function escapeText(text: string): string {
  if (!/[&<>]/.test(text)) return text;
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Letters without a look, such as the Hangul filler: they pass for none, or make an empty line. */
const blank = String.raw`\p{Default_Ignorable_Code_Point}\u2800`;

/** More marks on one letter than a script has: they would cover the lines beside it. */
const stacked = String.raw`(?<=(?:\p{Mn}[\u200c\u200d]{0,9}){4})\p{Mn}`;

/** Joiners, and variants of a letter or an emoji: two at most after something that people see, as in the emoji of an eye in a bubble. */
const joins = String.raw`[\p{Join_Control}\p{Variation_Selector}\u180e]`;
const joined = String.raw`[^\s\p{Cc}${blank}]${joins}?${joins}`;

/**
 * Invisible characters: control characters, direction marks, zero-width spaces, soft hyphens, tags, blank letters and joiners of
 * nothing. A reason must not rearrange its message, and people must not copy them unseen. White space stays.
 */
const hidden = String.raw`[\p{Cc}\ufff9-\ufffb${blank}](?<![\t\n\v\f\r])(?<!${joined})`;
const invisible = new RegExp(hidden, "gu");
const tooManyMarks = new RegExp(stacked, "gu");

/** Most texts do not match, and one test costs less than three replacements. */
const toBeOneLine = new RegExp(String.raw`${hidden}|${stacked}|\s\s|[^\S ]|^\s|\s$`, "u");

export function withoutInvisible(text: string): string {
  return text.replace(invisible, "").replace(tooManyMarks, "");
}

export function oneLine(text: string): string {
  if (!toBeOneLine.test(text)) return text;
  return withoutInvisible(text).replace(/\s+/g, " ").trim();
}

const valueInLine = /(`[^`]+`|\barn:[\w-]+:[\w-]+:[\w-]*:\d{12}:[\w+=.@/-]*[\w+=@/-])/;

/** The same, names such as system:masters, and times as ISO 8601. */
const valueInSentence =
  /(`[^`]+`|\bsystem:[a-z]+(?::[\w.-]+)*|\barn:[\w-]+:[\w-]+:[\w-]*:\d{12}:[\w+=.@/-]*[\w+=@/-]|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** A user's text in a sentence: on one line, without formatting. A word that Slack would format is in code style, which keeps its signs. */
export function plainLine(text: string, maxLength = 3000): string {
  return inPieces(oneLine(text).split(valueInLine), maxLength, (part) => code(unquoted(part), 640));
}

/** The domain's sentence: values in code style, times in the reader's zone, cut between words. */
export function styled(sentence: string, maxLength = 600): string {
  return inPieces(oneLine(sentence).split(valueInSentence), maxLength, (part) =>
    /^\d/.test(part) ? time(part) : code(unquoted(part), 640),
  );
}

function unquoted(part: string): string {
  return part.startsWith("`") ? part.slice(1, -1) : part;
}

/** @param parts text and values in turn */
function inPieces(parts: readonly string[], maxLength: number, valueText: (value: string) => string): string {
  let text = "";
  for (const [index, part] of parts.entries()) {
    const isValue = index % 2 === 1;
    for (const word of isValue ? [part] : part.split(/( )/)) {
      const piece = isValue ? valueText(word) : plainWord(word);
      // Slack shows two adjacent code spans as text.
      const next = text.endsWith("`") && piece.startsWith("`") ? ` ${piece}` : piece;
      if (text.length + next.length > maxLength)
        return `${text}${cutWord(piece, maxLength - text.length, text === "")}`;
      text += next;
    }
  }
  return text;
}

function cutWord(piece: string, room: number, isFirst: boolean): string {
  return piece.includes("`") || (room < 20 && !isFirst) ? "…" : cut(piece, room);
}

/** What Slack formats. An underscore inside a word does not count: people copy names such as EC2_LINUX. */
const MARK = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:(?=[\p{L}\p{M}\p{N}_+'-]+:)/u;

/** What can follow a word. */
const closing = ")]\"',.;!?";

function plainWord(word: string): string {
  if (!MARK.test(word)) return escapeText(word);
  const [, before = "", rest = word] = /^(["'([]*)(.+)$/u.exec(word) ?? [];
  // An expression would try each end of a word again from each of its signs: one in Redis would stop the process.
  let end = rest.length;
  while (end > 1 && closing.includes(rest.charAt(end - 1))) end -= 1;
  const [core, after] = [rest.slice(0, end), rest.slice(end)];
  // A colon after a name such as eks-access:viewers belongs to the sentence.
  const colon = core.endsWith(":") && !core.startsWith(":") ? ":" : "";
  return `${before}${code(core.slice(0, core.length - colon.length))}${colon}${after}`;
}

/** What a code span can't show, or hides: a backtick, a line break, zero-width characters, white space at an end. */
const unseen = new RegExp(`[^\\S ]|[\`\\p{Cc}\\p{Cf}\\p{Cs}${blank}]|${stacked}`, "gu");
const unshowable = new RegExp(`^$|^["\\s]|\\s$|${unseen.source}`, "u");

/**
 * Text in code style, exactly as it is, because people copy it. If a code span can't show it, it becomes a JSON string;
 * so does a text that begins with a quote, so that no two texts look the same.
 */
export function code(text: string, maxLength = 700): string {
  // The cut leaves no more than this, so that no one pays for the rest of a long text.
  const start = text.slice(0, maxLength + 1);
  const shown = unshowable.test(text) ? JSON.stringify(start).replace(unseen, jsonEscapes) : start;
  return `\`${cut(escapeText(shown), maxLength)}\``;
}

/** Names in code style, as many as fit, and the count of the rest. */
export function codeList(names: readonly string[], maxLength: number): string {
  const shown: string[] = [];
  let length = 0;
  for (const name of names) {
    const next = code(name, Math.min(200, maxLength - 16));
    length += next.length + 2;
    if (length > maxLength - 12) break;
    shown.push(next);
  }
  const left = names.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

/** Many comments begin with an emoji, which has a variant of its own. */
const exceptEmoji = String.raw`(?!(?<=\p{Extended_Pictographic})\ufe0f)`;

/** What ends a code block, or is invisible in it: two backticks in a row, or one beside the fence. */
const unshowableInBlock = new RegExp(
  `^$|\`{2,}|^\`|\`$|[^\\P{C}\\n\\t]|[^\\S \\n\\t]|${exceptEmoji}[${blank}]|${stacked}`,
  "u",
);

/** A code block that fits into one section, and says how much it cuts. Text that a block can't show is in code style, line by line. */
export function codeBlock(text: string, maxLength = 2800): string {
  if (!unshowableInBlock.test(text)) return `\`\`\`${shortened(escapeText(text), maxLength)}\`\`\``;
  return shortened(
    text
      .split("\n")
      .map((line) => code(line, maxLength - 60))
      .join("\n"),
    maxLength,
  );
}

/** As many whole lines as fit, and the count of the rest. */
function shortened(whole: string, maxLength: number): string {
  if (whole.length <= maxLength) return whole;
  const [first = "", ...rest] = whole.split("\n");
  const lines = [cut(first, maxLength - 60)];
  let length = lines[0]?.length ?? 0;
  for (const line of rest) {
    length += line.length + 1;
    if (length > maxLength - 60) break;
    lines.push(line);
  }
  const left = rest.length + 1 - lines.length;
  return `${lines.join("\n")}${left > 0 ? `\n… ${left} more line${left === 1 ? "" : "s"}` : ""}`;
}

const unseenInBlock = new RegExp(`(?![\\n\\t ])${exceptEmoji}[\\s\\p{Cc}\\p{Cf}\\p{Cs}${blank}]|${stacked}`, "gu");

/** Lines with all that would rearrange or hide a part of them, such as a direction mark in a comment of aws-auth. */
export function revealed(lines: string): string {
  return lines.replace(unseenInBlock, jsonEscapes);
}

/** A block of code without escapes, so that people copy the exact text. */
export function preformatted(text: string, maxLength = 2800): RichTextBlock {
  const shown = shortened(text, maxLength) || " ";
  return {
    type: "rich_text",
    elements: [{ type: "rich_text_preformatted", elements: [{ type: "text", text: shown }] }],
  };
}

/** A time in the reader's own zone. Clients and notifications that can't show it have it in UTC. */
export function time(iso: string): string {
  return date(iso, "{date_short_pretty} {time}");
}

/** The same, and how far that is from the moment the reader looks. */
export function timeLeft(iso: string): string {
  return date(iso, "{date_short_pretty} {time}, {ago}");
}

function date(iso: string, format: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return code(iso);
  const inUtc = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return `<!date^${Math.floor(at.getTime() / 1000)}^${format}|${inUtc}>`;
}

/** The same in at most 58 characters, for an option of a form: Slack takes 75 for the whole of its text. */
export function shortTime(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  return `<!date^${seconds}^{date_short_pretty} {time}|${iso.slice(5, 16).replace("T", " ")}Z>`;
}

/** The end of a lease, after "is active". */
export function until(iso: string, durationSeconds: number): string {
  return isPermanent(durationSeconds) ? "until revoked" : `until ${time(iso)}`;
}

/** A person or a user group of Slack; any other text, for example `worker`, stays. */
export function mention(user: string): string {
  if (/^S[A-Z0-9]+$/.test(user)) return `<!subteam^${user}>`;
  return /^[UW][A-Z0-9]+$/.test(user) ? `<@${user}>` : code(user);
}

/** At most `most` of them, and what says how many are left. */
export function firstOf<T>(all: readonly T[], most: number, rest: (left: number) => T): T[] {
  return [...all.slice(0, most), ...(all.length > most ? [rest(all.length - most)] : [])];
}

/** At most `most` people, and the count of the rest. */
export function mentions(users: readonly string[], most = 20): string {
  return firstOf(users.map(mention), most, (left) => `${left} more`).join(", ");
}

/** "a, b or c"; "a and b" where each of them is needed. A user group can have many people. */
export function oneOf(users: readonly string[], most = 20, needed = 1): string {
  const isEach = users.length === needed && !users.some((user) => user.startsWith("S"));
  return mentions(users, most).replace(/, ([^,]*)$/, isEach ? " and $1" : " or $1");
}

/**
 * A message for notifications and screen readers: every word, without bold and the emoji before a line. A quoted line keeps
 * quotes: otherwise a reason would read as a line of ours.
 */
export function unformatted(text: string): string {
  return text.replaceAll(/^:[a-z_]+: |\*/gm, "").replaceAll(/^>(.*)/gm, "“$1”");
}

/** `verbatim`: otherwise Slack would link addresses, channels and people in the text. */
function mrkdwn(text: string, maxLength: number) {
  return { type: "mrkdwn" as const, text: cut(text, maxLength), verbatim: true };
}

export const plainText = (text: string) => ({ type: "plain_text" as const, text });

export function section(text: string): KnownBlock {
  return { type: "section", text: mrkdwn(text, 3000) };
}

export function sectionWith(text: string, accessory: Button): KnownBlock {
  return { type: "section", text: mrkdwn(text, 3000), accessory };
}

export function fields(texts: readonly string[]): KnownBlock {
  return { type: "section", fields: texts.slice(0, 10).map((text) => mrkdwn(text, 2000)) };
}

export function actions(id: string, elements: readonly Button[]): KnownBlock {
  return { type: "actions", block_id: id, elements: [...elements] };
}

export function context(text: string): KnownBlock {
  return { type: "context", elements: [mrkdwn(text, 3000)] };
}

/** Never cuts inside an escape, which would show a stray ampersand, inside a time or a mention, or inside a character. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/&[a-z]{0,3}$|<(?:[!@#][^<>]*)?$|[\ud800-\udbff]$/, "")}…`;
}
