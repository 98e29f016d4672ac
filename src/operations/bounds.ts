import { hash } from "node:crypto";
import { AccessError, hasCode } from "../access/access-error.ts";
import { canonicalJson, type Json, type KeyKind, type Verifier } from "../access/seal.ts";

export interface PageBounds {
  readonly pages: number;
  readonly items: number;
  /** Of all pages; absent: a page is small. */
  readonly bytes?: number;
  readonly deadline: AbortSignal;
}

/** One page of an outside answer. An absent or empty token marks the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly bytes?: number;
  readonly next: string | undefined;
}

/** Beyond the bounds it throws: half of a list looks like a whole one. @throws AccessError `answer-too-large` */
export async function* boundedPages<T>(
  what: string,
  { pages, items, bytes = Number.POSITIVE_INFINITY, deadline }: PageBounds,
  read: (token: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let token: string | undefined;
  let count = 0;
  let size = 0;
  for (let page = 1; ; page += 1) {
    if (deadline.aborted) throw answerTooLarge(`${what} takes too long for one reading`);
    const { items: some, bytes: length = 0, next } = await read(token);
    size += length;
    if (size > bytes) throw answerTooLarge(`${what} has more than ${bytes} bytes`);
    count += some.length;
    if (count > items) throw answerTooLarge(`${what} has more than ${items} items`);
    yield some;
    if (!next) return;
    if (page === pages) throw answerTooLarge(`${what} goes on after ${pages} pages`);
    token = next;
  }
}

export async function allOfPages<T>(
  what: string,
  bounds: PageBounds,
  read: (token: string | undefined) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const some of boundedPages(what, bounds, read)) for (const item of some) all.push(item);
  return all;
}

/** @param what a clause without a full stop */
export function answerTooLarge(what: string): AccessError {
  return new AccessError("answer-too-large", what);
}

export function isTooLarge(error: unknown): boolean {
  return hasCode(error, "answer-too-large");
}

export interface AnswerBounds {
  readonly bytes: number;
  /** Members and items of JSON: two megabytes of `[` block the process for most of a second. */
  readonly values: number;
}

const deepest = 100;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

interface Looked {
  bytes: number;
  values: number;
  depth: number;
  isText: boolean;
  /** The bytes of the next part to skip: one, after a backslash at the end of this part. */
  ahead: number;
}

/** While it arrives, before a parser sees it. @throws AccessError `answer-too-large`, from the returned function */
export function answerGuard({ bytes, values }: AnswerBounds, what: string): (part: Uint8Array) => void {
  const looked: Looked = { bytes: 0, values: 0, depth: 0, isText: false, ahead: 0 };
  return (part) => {
    looked.bytes += part.length;
    if (looked.bytes > bytes) throw answerTooLarge(`${what} answers with more than ${bytes} bytes`);
    look(looked, part);
    if (looked.depth > deepest) throw answerTooLarge(`${what} answers with values nested deeper than ${deepest}`);
    if (looked.values > values) throw answerTooLarge(`${what} answers with more than ${values} values`);
  };
}

function look(looked: Looked, part: Uint8Array): void {
  let { values, depth, isText, ahead: at } = looked;
  while (at < part.length && depth <= deepest) {
    // A large answer is mostly a few long texts: this loop costs one comparison a byte.
    if (isText) {
      while (at < part.length && part[at] !== quote) at += part[at] === backslash ? 2 : 1;
      if (at >= part.length) break;
      isText = false;
    } else {
      const byte = part[at];
      if (byte === quote) isText = true;
      else if (byte === comma) values += 1;
      else if (byte === closeList || byte === closeObject) depth -= 1;
      else if (byte === openList || byte === openObject) {
        values += 1;
        depth += 1;
      }
    }
    at += 1;
  }
  Object.assign(looked, { values, depth, isText, ahead: Math.max(0, at - part.length) });
}

/** What has arrived of a body. A list of its parts would take a hundred bytes for each, and a sender can send a byte at a time. */
export class ArrivedBytes {
  #room = Buffer.alloc(0);
  length = 0;

  add(part: Uint8Array): void {
    const length = this.length + part.length;
    if (length > this.#room.length) this.#room = Buffer.concat([this.#room], Math.max(length, 2 * this.#room.length));
    this.#room.set(part, this.length);
    this.length = length;
  }

  whole(): Buffer {
    return this.#room.subarray(0, this.length);
  }
}

/** Reads an answer's body within bounds; leaving the loop ends the stream. @throws AccessError `answer-too-large` */
export async function boundedText(
  body: AsyncIterable<Uint8Array>,
  bounds: AnswerBounds,
  what: string,
): Promise<string> {
  const arrived = new ArrivedBytes();
  for await (const part of body) {
    arrived.add(part);
    if (arrived.length > bounds.bytes) throw answerTooLarge(`${what} answers with more than ${bounds.bytes} bytes`);
  }
  return textWithin(arrived.whole(), bounds, what);
}

/** @throws AccessError `answer-too-large` */
export function textWithin(answer: Buffer, bounds: AnswerBounds, what: string): string {
  answerGuard(bounds, what)(answer);
  return answer.toString("utf8");
}

/** A shorter text is read in less than a millisecond, and a thousand clusters have thousands of them. UTF-16 units. */
export const worthRemembering = 8 * 1024;

/** Remembers results for the most recent texts, compared whole. Callers share the results: do not change them. */
export class RecentResults<Value extends object | boolean, Text extends string | Buffer = string> {
  readonly #known = new Map<string, { readonly text: Text; readonly value: Value }>();
  readonly #maxLength: number;
  readonly #minLength: number;
  #length = 0;

  /** @param maxLength of all texts together @param minLength of each text; both in UTF-16 units, or in bytes */
  constructor(maxLength: number, minLength = 0) {
    this.#maxLength = maxLength;
    this.#minLength = minLength;
  }

  /** The remembered result for this text, or the result of `work`. @param place each place remembers one text */
  of(place: string, text: Text, work: () => Value): Value {
    const known = this.get(place, text);
    if (known !== undefined) return known;
    const value = work();
    this.set(place, text, value);
    return value;
  }

  /** The last result of this place, whatever its text. */
  last(place: string): Value | undefined {
    return this.#known.get(place)?.value;
  }

  get(place: string, text: Text): Value | undefined {
    const known = this.#known.get(place);
    if (known === undefined || !isSame(known.text, text)) return undefined;
    this.#known.delete(place);
    this.#known.set(place, known);
    return known.value;
  }

  set(place: string, text: Text, value: Value): void {
    this.#forget(place);
    if (text.length > this.#maxLength || text.length < this.#minLength) return;
    this.#known.set(place, { text, value });
    this.#length += text.length;
    for (const oldest of this.#known.keys()) {
      if (this.#length <= this.#maxLength) return;
      this.#forget(oldest);
    }
  }

  #forget(place: string): void {
    const known = this.#known.get(place);
    if (known === undefined) return;
    this.#known.delete(place);
    this.#length -= known.text.length;
  }
}

function isSame(a: string | Buffer, b: string | Buffer): boolean {
  return a === b || (typeof a !== "string" && typeof b !== "string" && a.equals(b));
}

/** Of some 4,000 decisions or previews. */
const maxSealText = 4_000 * 170;

/** Keys that verify each genuine seal once. They verify a forged seal each time, and remember nothing of it. */
export function rememberingSeals<Kind extends KeyKind>(keys: Verifier<Kind>): Verifier<Kind> {
  const verified = new RecentResults<true>(maxSealText);
  return {
    ids: keys.ids,
    isSealed: (purpose, value, seal) => {
      const text = textOf(purpose, value, seal);
      if (text !== null && verified.get(text, text)) return true;
      const isSealed = keys.isSealed(purpose, value, seal);
      if (isSealed && text !== null) verified.set(text, text, true);
      return isSealed;
    },
  };
}

/** Null: JSON from Redis can nest too deep to be written again. */
function textOf(purpose: string, value: Json, seal: unknown): string | null {
  if (typeof seal !== "string") return null;
  try {
    return `${purpose} ${hash("sha256", canonicalJson(value))} ${seal}`;
  } catch {
    return null;
  }
}
