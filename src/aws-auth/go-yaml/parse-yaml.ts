import { finish, ReadingBudget, type Steps } from "./budget.ts";
import { FORBIDDEN, failAt, lineAndColumn, type Mark, type Token, YamlFailure } from "./cursor.ts";
import { emptyScalar, type YamlDocument, type YamlNode } from "./node.ts";
import { NodeParser } from "./node-parser.ts";
import { Scanner } from "./scanner.ts";

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
    if (!isRead()) return { root, dropped: findDropped(scanner) ?? markAt(text, forbidden) };
  } catch (failure) {
    if (!(failure instanceof YamlFailure) || !isRead()) throw failure;
  }
  return failAt("control characters are not allowed", lineAndColumn(text, forbidden));

  function isRead(): boolean {
    return forbidden < readUpTo(text, scanner.asked(text));
  }
}

function markAt(text: string, at: number): Mark {
  return { at, ...lineAndColumn(text, at) };
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
