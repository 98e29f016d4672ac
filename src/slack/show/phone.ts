import { oneLine, plainLine } from "./mrkdwn.ts";

/** The letters in a line of a section and of a context, on a phone of 390 px with a wide font. */
export const phoneLine = { section: 39, context: 44 } as const;

/** East Asian letters and emoji are as wide as two others. */
const wide =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/gu;

/** A user's text, as `plainLine`, no wider than so many letters. */
export function plainWithin(text: string, letters: number): string {
  let [length, width] = [0, 0];
  const line = oneLine(text);
  for (const sign of line) {
    width += sign.replace(wide, "xx").length;
    if (width > letters) return plainLine(line, length);
    length += sign.length;
  }
  return plainLine(line, letters);
}

/** As people see it: a name has thirteen letters, a time has nineteen, and the frame of a code is as wide as one. */
function seen(mrkdwn: string): string {
  return mrkdwn
    .replaceAll(/<!date[^>]*>/g, "Mar 10, 2026 9:00 PM")
    .replaceAll(/<[@!][^>]*>/g, "@alexandra.sm")
    .replaceAll(/:[a-z_]+:/g, "xx")
    .replaceAll(/`([^`]*)`/g, "$1x")
    .replaceAll(/&[a-z]+;/g, "x")
    .replaceAll(/^>|\*/gm, "")
    .replaceAll(wide, "xx");
}

/** How many lines a phone shows of it. It breaks between words, and in one that is longer than a line. */
export function linesOf(mrkdwn: string, letters: number): number {
  const lines = mrkdwn === "" ? [] : seen(mrkdwn).split("\n");
  return lines.reduce((sum, line) => sum + wrapped(line.split(" "), letters), 0);
}

function wrapped(words: readonly string[], letters: number): number {
  let [lines, used] = [1, 0];
  for (const { length } of words) {
    if (used > 0 && used + length > letters) [lines, used] = [lines + 1, 0];
    lines += Math.floor(Math.max(0, length - 1) / letters);
    used += (length % letters) + 1;
  }
  return lines;
}

const word = /(?:<[^>]*>|[^\s<])+\s*/g;
const dangling = /[\s,;:.]*(?: (?:or|by|and|because|the|a|an|to|of|in|is|has))*[\s,;:.]*$/;

/** As many words as fit into one line. Of an ARN only the name is left. */
export function onOneLine(mrkdwn: string, letters: number): string {
  if (seen(mrkdwn).length <= letters) return mrkdwn;
  const words = mrkdwn.replaceAll(/\barn:[^\s`]*\//g, "").match(word) ?? [];
  let line = "";
  for (const each of words) {
    if (seen(line + each).trimEnd().length >= letters) break;
    line += each;
  }
  const shown = line.replace(dangling, "");
  const isInCode = shown.split("`").length % 2 === 0;
  return `${shown}${isInCode ? "`" : ""}…`;
}
