import { isBlank, isBlankBreakOrEnd, isBreakOrEnd, isDigit, isWord } from "./characters.ts";
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

function scanHandle(cursor: Cursor, directive: boolean, start: Mark): string {
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

function scanUri(cursor: Cursor, mayBeEmpty: boolean, start: Mark): string {
  const from = cursor.at;
  while (isUriCharacter(cursor.code())) cursor.skip();
  const raw = cursor.text.slice(from, cursor.at);
  if (raw === "" && !mayBeEmpty) cursor.fail("did not find expected tag URI", start);
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return cursor.fail("found an incorrect URI escape", start);
  }
}

function isUriCharacter(code: number): boolean {
  return isWord(code) || (code !== 0 && ";/?:@&=+$,.!~*'()[]%".includes(String.fromCharCode(code)));
}

function scanWord(cursor: Cursor): string {
  const from = cursor.at;
  while (isWord(cursor.code())) cursor.skip();
  return cursor.text.slice(from, cursor.at);
}

export type Directive =
  | { type: "version-directive"; version: string }
  | { type: "tag-directive"; handle: string; prefix: string };

/** Reads `%YAML 1.1` or `%TAG ! prefix` with the rest of its line. */
export function scanDirective(cursor: Cursor): Directive {
  const start = cursor.mark();
  cursor.skip();
  const name = scanWord(cursor);
  if (name === "") cursor.fail("could not find expected directive name", start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("found unexpected non-alphabetical character", start);
  if (name !== "YAML" && name !== "TAG") cursor.fail("found unknown directive name", start);
  skipBlanks(cursor);
  const directive = name === "YAML" ? scanVersion(cursor, start) : scanTagDirective(cursor, start);
  skipBlanks(cursor);
  if (cursor.code() === 0x23) while (!isBreakOrEnd(cursor.code())) cursor.skip();
  if (!isBreakOrEnd(cursor.code())) cursor.fail("did not find expected comment or line break", start);
  cursor.skipBreak();
  return directive;
}

function scanVersion(cursor: Cursor, start: Mark): Directive {
  const major = scanNumber(cursor, start);
  if (cursor.code() !== 0x2e) cursor.fail("did not find expected digit or '.' character", start);
  cursor.skip();
  return { type: "version-directive", version: `${major}.${scanNumber(cursor, start)}` };
}

function scanNumber(cursor: Cursor, start: Mark): number {
  const from = cursor.at;
  while (isDigit(cursor.code())) cursor.skip();
  const digits = cursor.text.slice(from, cursor.at);
  if (digits === "") cursor.fail("did not find expected version number", start);
  if (digits.length > 2) cursor.fail("found extremely long version number", start);
  return Number(digits);
}

function scanTagDirective(cursor: Cursor, start: Mark): Directive {
  const handle = scanHandle(cursor, true, start);
  if (!isBlank(cursor.code())) cursor.fail("did not find expected whitespace", start);
  skipBlanks(cursor);
  const prefix = scanUri(cursor, false, start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("did not find expected whitespace or line break", start);
  return { type: "tag-directive", handle, prefix };
}

function skipBlanks(cursor: Cursor): void {
  while (isBlank(cursor.code())) cursor.skip();
}
