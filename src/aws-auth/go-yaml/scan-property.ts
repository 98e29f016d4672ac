import { isBlankBreakOrEnd, isWord } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import type { Mark } from "./token.ts";

/** Reads the name behind `&` or `*`. */
export function scanAnchor(cursor: Cursor): string {
  const start = cursor.mark();
  cursor.skip();
  const name = scanWord(cursor);
  const code = cursor.code();
  if (name === "" || !(isBlankBreakOrEnd(code) || "?:,]}%@`".includes(String.fromCharCode(code))))
    cursor.fail("did not find expected alphabetic or numeric character", start);
  return name;
}

/** Reads a tag: `!<uri>`, `!handle!suffix`, `!suffix` or `!`. */
export function scanTag(cursor: Cursor): { handle: string; suffix: string } {
  const start = cursor.mark();
  const tag = cursor.code(1) === 0x3c ? scanVerbatimTag(cursor, start) : scanShorthandTag(cursor, start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("did not find expected whitespace or line break", start);
  return tag;
}

function scanVerbatimTag(cursor: Cursor, start: Mark): { handle: string; suffix: string } {
  cursor.skip(2);
  const suffix = scanUri(cursor, false, start);
  if (cursor.code() !== 0x3e) cursor.fail("did not find the expected '>'", start);
  cursor.skip();
  return { handle: "", suffix };
}

function scanShorthandTag(cursor: Cursor, start: Mark): { handle: string; suffix: string } {
  const handle = scanHandle(cursor, false, start);
  if (handle.length > 1 && handle.endsWith("!")) return { handle, suffix: scanUri(cursor, false, start) };
  const suffix = handle.slice(1) + scanUri(cursor, true, start);
  return suffix === "" ? { handle: "", suffix: "!" } : { handle: "!", suffix };
}

export function scanHandle(cursor: Cursor, directive: boolean, start: Mark): string {
  if (cursor.code() !== 0x21) cursor.fail("did not find expected '!'", start);
  cursor.skip();
  const word = scanWord(cursor);
  if (cursor.code() === 0x21) {
    cursor.skip();
    return `!${word}!`;
  }
  if (directive && word !== "") cursor.fail("did not find expected '!'", start);
  return `!${word}`;
}

export function scanUri(cursor: Cursor, mayBeEmpty: boolean, start: Mark): string {
  const from = cursor.at;
  while (isUriCharacter(cursor.code())) cursor.skip();
  const raw = cursor.text.slice(from, cursor.at);
  if (raw === "" && !mayBeEmpty) cursor.fail("did not find expected tag URI", start);
  try {
    return decodeURIComponent(raw);
  } catch {
    return cursor.fail("found an incorrect URI escape", start);
  }
}

function isUriCharacter(code: number): boolean {
  return isWord(code) || ";/?:@&=+$,.!~*'()[]%".includes(String.fromCharCode(code));
}

export function scanWord(cursor: Cursor): string {
  const from = cursor.at;
  while (isWord(cursor.code())) cursor.skip();
  return cursor.text.slice(from, cursor.at);
}
