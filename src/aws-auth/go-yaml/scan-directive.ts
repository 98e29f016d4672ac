import { isBlank, isBlankBreakOrEnd, isBreakOrEnd, isDigit } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import { scanHandle, scanUri, scanWord } from "./scan-property.ts";
import type { Mark } from "./token.ts";

export interface Directive {
  type: "version-directive" | "tag-directive";
  /** `1.1` of a version; the handle of a tag. */
  value: string;
  prefix: string;
}

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
  return { type: "version-directive", value: `${major}.${scanNumber(cursor, start)}`, prefix: "" };
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
  return { type: "tag-directive", value: handle, prefix };
}

function skipBlanks(cursor: Cursor): void {
  while (isBlank(cursor.code())) cursor.skip();
}
