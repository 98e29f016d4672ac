import { type Cursor, isBlank, isBlankBreakOrEnd, isDigit, isWord, type Mark, type TokenType } from "./cursor.ts";
import type { ScanState } from "./scan-state.ts";

/** Tokens that give a document its structure. Each function adds one, with the cursor at its start. */

export function fetchEnd(state: ScanState): void {
  state.cursor.endLine();
  state.closeAll();
  state.addIndicator("stream-end", 0);
}

export function fetchDirective(state: ScanState): void {
  state.closeAll();
  const start = state.cursor.mark();
  const { type, value, prefix } = scanDirective(state.cursor);
  state.add(type, start, state.cursor.at, value, "plain", prefix);
}

export function fetchDocumentIndicator(state: ScanState, type: TokenType): void {
  state.closeAll();
  state.addIndicator(type, 3);
}

export function fetchFlowStart(state: ScanState, type: TokenType): void {
  state.saveKey();
  const bracket = state.tokens.next;
  state.addIndicator(type);
  state.keys.deepen(bracket);
  state.keyAllowed = true;
}

export function fetchFlowEnd(state: ScanState, type: TokenType): void {
  state.keys.remove(state.cursor);
  state.keys.surface();
  state.keyAllowed = false;
  state.addIndicator(type);
}

export function fetchFlowEntry(state: ScanState): void {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("flow-entry");
}

export function fetchBlockEntry(state: ScanState): void {
  state.openBlock("block-sequence-start", "block sequence entries are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("block-entry");
}

export function fetchKey(state: ScanState): void {
  state.openBlock("block-mapping-start", "mapping keys are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = state.inBlock;
  state.addIndicator("key");
}

/** A `:`. A possible key is one now: its token, and that of the mapping, are inserted before it. */
export function fetchValue(state: ScanState): void {
  const { cursor, tokens } = state;
  const key = state.keys.takeValid(cursor);
  if (key === null) {
    state.openBlock("block-mapping-start", "mapping values are not allowed in this context");
  } else {
    tokens.insert("key", key.mark, key.token);
    if (state.inBlock) state.indents.open("block-mapping-start", key.mark, key.token, tokens);
  }
  state.keyAllowed = key === null && state.inBlock;
  state.addIndicator("value");
}

interface Directive {
  type: "version-directive" | "tag-directive";
  /** `1.1` of a version; the handle of a tag. */
  value: string;
  prefix: string;
}

function scanDirective(cursor: Cursor): Directive {
  const start = cursor.mark();
  cursor.skip();
  const name = cursor.takeWhile(isWord);
  if (name === "") cursor.fail("could not find expected directive name", start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("found unexpected non-alphabetical character", start);
  if (name !== "YAML" && name !== "TAG") cursor.fail("found unknown directive name", start);
  cursor.takeWhile(isBlank);
  const directive = name === "YAML" ? scanVersion(cursor, start) : scanTagDirective(cursor, start);
  cursor.skipHeaderEnd(start);
  return directive;
}

function scanVersion(cursor: Cursor, start: Mark): Directive {
  const major = scanNumber(cursor, start);
  if (cursor.code() !== 0x2e) cursor.fail("did not find expected digit or '.' character", start);
  cursor.skip();
  return { type: "version-directive", value: `${major}.${scanNumber(cursor, start)}`, prefix: "" };
}

function scanNumber(cursor: Cursor, start: Mark): number {
  const digits = cursor.takeWhile(isDigit);
  if (digits === "") cursor.fail("did not find expected version number", start);
  if (digits.length > 2) cursor.fail("found extremely long version number", start);
  return Number(digits);
}

function scanTagDirective(cursor: Cursor, start: Mark): Directive {
  const handle = scanHandle(cursor, true, start);
  if (!isBlank(cursor.code())) cursor.fail("did not find expected whitespace", start);
  cursor.takeWhile(isBlank);
  const prefix = scanUri(cursor, false, start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("did not find expected whitespace or line break", start);
  return { type: "tag-directive", value: handle, prefix };
}

export function scanAnchor(cursor: Cursor): string {
  const start = cursor.mark();
  cursor.skip();
  const name = cursor.takeWhile(isWord);
  const code = cursor.code();
  if (name === "" || !(isBlankBreakOrEnd(code) || "?:,]}%@`".includes(String.fromCharCode(code))))
    cursor.fail("did not find expected alphabetic or numeric character", start);
  return name;
}

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
  const word = cursor.takeWhile(isWord);
  if (cursor.code() === 0x21) {
    cursor.skip();
    return `!${word}!`;
  }
  if (directive && word !== "") cursor.fail("did not find expected '!'", start);
  return `!${word}`;
}

function scanUri(cursor: Cursor, mayBeEmpty: boolean, start: Mark): string {
  const raw = cursor.takeWhile(isUriCharacter);
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
