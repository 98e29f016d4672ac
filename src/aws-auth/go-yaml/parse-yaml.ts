import { finish, ReadingBudget, type Steps } from "./budget.ts";
import {
  FORBIDDEN,
  failAt,
  isBlankBreakOrEnd,
  isBreak,
  lineAndColumn,
  type Mark,
  NUL,
  SPACE,
  TAB,
  type Token,
  type TokenType,
  YamlFailure,
} from "./cursor.ts";
import { emptyScalar, type YamlDocument, type YamlNode } from "./node.ts";
import { NodeParser } from "./node-parser.ts";
import { scanBlockScalar, scanPlain, scanQuoted } from "./scan-scalar.ts";
import { mayBeKey, ScanState } from "./scan-state.ts";
import {
  fetchBlockEntry,
  fetchDirective,
  fetchDocumentIndicator,
  fetchEnd,
  fetchFlowEnd,
  fetchFlowEntry,
  fetchFlowStart,
  fetchKey,
  fetchValue,
  scanAnchor,
  scanTag,
} from "./scan-structure.ts";

/** The size of go-yaml's reads, in bytes. Source: input_raw_buffer_size in its yamlprivateh.go. */
const CHUNK = 512;

/** The first YAML document, as go-yaml v2 reads it. Throws YamlFailure for its errors, and YamlExcess above the budget. */
export function parseYaml(text: string): YamlDocument {
  return finish(yamlSteps(text, new ReadingBudget()));
}

export function* yamlSteps(text: string, budget: ReadingBudget): Steps<YamlDocument> {
  const forbidden = text.search(FORBIDDEN);
  if (forbidden >= 0) return yield* parseBefore(forbidden, text, budget);
  const scanner = new Scanner(text);
  return { root: yield* parseRoot(scanner, budget), dropped: findDropped(scanner) };
}

/** The root of the first document, with the one token after it that go-yaml requests; null: there is no document. */
function* parseRoot(scanner: Scanner, budget: ReadingBudget): Steps<YamlNode | null> {
  const parser = new NodeParser(scanner, budget);
  const first = scanner.peek();
  if (first.type === "stream-end") return null;
  const isExplicit = first.type === "document-start" || first.type.endsWith("-directive");
  if (isExplicit) parser.openDocument();
  const isEmpty = isExplicit && endsDocument(scanner.peek().type);
  const root = isEmpty ? emptyScalar(scanner.peek().start) : yield* parser.root();
  scanner.peek();
  return root;
}

function endsDocument(type: string): boolean {
  return type === "document-start" || type === "document-end" || type === "stream-end" || type.endsWith("-directive");
}

/**
 * The start of text that is no part of the first document. go-yaml requests one token after the root and no more, so an error in
 * that token counts, and later ones don't. A `---` with nothing after it loses nothing.
 */
function findDropped(scanner: Scanner): Mark | null {
  let last = scanner.peek();
  try {
    while (last.type === "document-end") last = next(scanner);
    const dropped = last.start;
    while (last.type === "document-start" || last.type === "document-end") last = next(scanner);
    return last.type === "stream-end" ? null : dropped;
  } catch (failure) {
    if (failure instanceof YamlFailure) return last.start;
    throw failure;
  }
}

function next(scanner: Scanner): Token {
  scanner.take();
  return scanner.peek();
}

/** Parses a text with a forbidden character. It counts if the reader has read it by the end of the document. */
function* parseBefore(forbidden: number, text: string, budget: ReadingBudget): Steps<YamlDocument> {
  const scanner = new Scanner(text.slice(0, forbidden));
  try {
    const root = yield* parseRoot(scanner, budget);
    if (!isRead()) {
      return { root, dropped: findDropped(scanner) ?? { at: forbidden, ...lineAndColumn(text, forbidden) } };
    }
  } catch (failure) {
    if (!(failure instanceof YamlFailure) || !isRead()) throw failure;
  }
  return failAt("control characters are not allowed", lineAndColumn(text, forbidden));

  function isRead(): boolean {
    return forbidden < readUpTo(text, scanner.asked(text));
  }
}

/**
 * Offset up to which the reader has read a text, once it was asked for the text up to an offset. It reads whole chunks. A
 * character that a chunk's end cuts in two moves to the front of the next.
 */
function readUpTo(text: string, asked: number): number {
  let end = 0;
  while (end < asked && end < text.length) end = endOfChunk(text, end);
  return end;
}

function endOfChunk(text: string, start: number): number {
  let bytes = 0;
  let at = start;
  while (at < text.length) {
    const [character = ""] = text.slice(at, at + 2);
    bytes += Buffer.byteLength(character);
    if (bytes > CHUNK) break;
    at += character.length;
  }
  return at;
}

/** As lazy as go-yaml v2, which sees no error after the first document. Keys and indentation are libyaml's. */
class Scanner {
  readonly #state: ScanState;

  constructor(text: string) {
    this.#state = new ScanState(text);
  }

  /** Offset up to which go-yaml has requested text by now. `whole`: the text, refused characters included. */
  asked(whole: string): number {
    return this.#state.cursor.asked(whole);
  }

  peek(): Token {
    const { tokens, cursor } = this.#state;
    for (;;) {
      const first = tokens.first();
      if (first !== undefined && (first.key === null || !mayBeKey(first.key, cursor))) return first;
      fetch(this.#state);
    }
  }

  take(): Token {
    const token = this.peek();
    this.#state.tokens.shift();
    return token;
  }

  takeIf(type: TokenType): Token | null {
    return this.peek().type === type ? this.take() : null;
  }
}

function fetch(state: ScanState): void {
  const { cursor } = state;
  skipToToken(state);
  state.closeDeeper(cursor.column);
  const code = cursor.code();
  if (code === NUL) fetchEnd(state);
  else if (cursor.column === 0 && code === 0x25) fetchDirective(state);
  else if (cursor.atDocumentIndicator())
    fetchDocumentIndicator(state, code === 0x2d ? "document-start" : "document-end");
  else fetchByFirst(state, code, isBlankBreakOrEnd(cursor.code(1)));
}

function skipToToken(state: ScanState): void {
  const { cursor } = state;
  for (;;) {
    const mayBeTab = !state.inBlock || !state.keyAllowed;
    while (cursor.code() === SPACE || (mayBeTab && cursor.code() === TAB)) cursor.skip();
    cursor.skipComment();
    if (!isBreak(cursor.code())) return;
    cursor.skipBreak();
    if (state.inBlock) state.keyAllowed = true;
  }
}

/** Adds the token that begins with `code`; `alone`: a blank, a break or the end follows it. */
function fetchByFirst(state: ScanState, code: number, alone: boolean): void {
  const { inBlock } = state;
  if (code === 0x5b) fetchFlowStart(state, "flow-sequence-start");
  else if (code === 0x7b) fetchFlowStart(state, "flow-mapping-start");
  else if (code === 0x5d) fetchFlowEnd(state, "flow-sequence-end");
  else if (code === 0x7d) fetchFlowEnd(state, "flow-mapping-end");
  else if (code === 0x2c) fetchFlowEntry(state);
  else if (code === 0x2d && alone) fetchBlockEntry(state);
  else if (code === 0x3f && (alone || !inBlock)) fetchKey(state);
  else if (code === 0x3a && (alone || !inBlock)) fetchValue(state);
  else if (code === 0x2a) fetchName(state, "alias");
  else if (code === 0x26) fetchName(state, "anchor");
  else if (code === 0x21) fetchTag(state);
  else if (code === 0x7c && inBlock) fetchBlockScalar(state, "literal");
  else if (code === 0x3e && inBlock) fetchBlockScalar(state, "folded");
  else if (code === 0x27) fetchQuoted(state, "single");
  else if (code === 0x22) fetchQuoted(state, "double");
  else if (!STARTS_NOTHING.has(code)) fetchPlain(state);
  else state.cursor.fail("found character that cannot start any token");
}

/** `#` `%` `@` `` ` `` and TAB, `|` and `>` in a flow collection: no token begins with these. */
const STARTS_NOTHING: ReadonlySet<number> = new Set([0x23, 0x25, 0x40, 0x60, 0x7c, 0x3e, TAB]);

/** Scalars and their properties. Each function adds one token, with the cursor at its start. */

function fetchName(state: ScanState, type: "alias" | "anchor"): void {
  const start = state.startContent();
  const name = scanAnchor(state.cursor);
  state.add(type, start, state.cursor.at, name);
}

function fetchTag(state: ScanState): void {
  const start = state.startContent();
  const { handle, suffix } = scanTag(state.cursor);
  state.add("tag", start, state.cursor.at, handle, "plain", suffix);
}

function fetchQuoted(state: ScanState, style: "single" | "double"): void {
  const start = state.startContent();
  const value = scanQuoted(state.cursor, style === "single");
  state.add("scalar", start, state.cursor.at, value, style);
}

function fetchPlain(state: ScanState): void {
  const start = state.startContent();
  const { value, end, brokeLine } = scanPlain(state.cursor, state.indents.column, !state.inBlock);
  if (brokeLine) state.keyAllowed = true;
  state.add("scalar", start, end, value);
}

/** A block scalar is no key, and ends at the start of a line, where a key can follow. */
function fetchBlockScalar(state: ScanState, style: "literal" | "folded"): void {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  const start = state.cursor.mark();
  const { value, end } = scanBlockScalar(state.cursor, style === "literal", state.indents.column);
  state.add("scalar", start, end, value, style);
}
