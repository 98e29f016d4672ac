import { BOM, Cursor, type Mark, type ScalarStyle, type SimpleKey, type Token, type TokenType } from "./cursor.ts";

/** The lookahead that YAML grants a key, in characters. */
const LONGEST = 1024;

/** The possible keys: one for each flow level. */
class SimpleKeys {
  #level: Level = { depth: 0, outer: null, key: null, opener: null };

  get flowLevel(): number {
    return this.#level.depth;
  }

  /** The possible key that begins with this token; null: none. */
  at(token: number): SimpleKey | null {
    const { key } = this.#level;
    return key?.token === token ? key : null;
  }

  deepen(bracket: number): void {
    this.#level = { depth: this.#level.depth + 1, outer: this.#level, key: null, opener: this.at(bracket) };
  }

  /** After an empty flow collection go-yaml forgets that its bracket can begin a key: of `[]: x` it returns the list alone. */
  surface(): void {
    const { outer, opener } = this.#level;
    if (outer === null) return;
    if (opener !== null) opener.isAwaited = false;
    this.#level = outer;
  }

  save(key: SimpleKey, cursor: Cursor): void {
    this.remove(cursor);
    this.#level.key = key;
    this.#level.opener = null;
  }

  /** Drops the key of this level; fails if only a key is allowed there. */
  remove(cursor: Cursor): void {
    const { key } = this.#level;
    if (key?.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget();
  }

  /** Takes the key of this level, because its `:` has come; null: there is no valid one. */
  takeValid(cursor: Cursor): SimpleKey | null {
    const { key } = this.#level;
    this.#forget();
    return key !== null && isValid(key, cursor) ? key : null;
  }

  #forget(): void {
    if (this.#level.key === null) return;
    this.#level.key.isAwaited = false;
    this.#level.key = null;
  }
}

/** Whether this can still be a key: its first token must not be returned yet. */
export function mayBeKey(key: SimpleKey, cursor: Cursor): boolean {
  if (!key.isAwaited) return false;
  key.isAwaited = isValid(key, cursor);
  return key.isAwaited;
}

function isValid(key: SimpleKey, cursor: Cursor): boolean {
  if (key.mark.line === cursor.line && !isTooLong(key, cursor)) return true;
  if (key.required) cursor.fail("could not find expected ':'", key.mark);
  return false;
}

/** Tokens that are made but not returned yet. A key and the collection that it opens are inserted later. */
class TokenQueue {
  /** From `#head` up to `#end`. Its places are used again: there are very many tokens. */
  readonly #tokens: Token[] = [];
  #head = 0;
  #end = 0;
  #taken = 0;

  get next(): number {
    return this.#taken + this.#end - this.#head;
  }

  first(): Token | undefined {
    return this.#head === this.#end ? undefined : this.#tokens[this.#head];
  }

  shift(): void {
    this.#head += 1;
    this.#taken += 1;
    if (this.#head === this.#end) this.#head = this.#end = 0;
  }

  add(token: Token): void {
    this.#tokens[this.#end] = token;
    this.#end += 1;
  }

  /** Inserts an empty token before the one with this number; at the end, if that was returned already. */
  insert(type: TokenType, start: Mark, before: number): void {
    const token: Token = { type, start, end: start.at, value: "", suffix: "", style: "plain", key: null };
    const place = before < this.#taken ? this.#end : this.#head + before - this.#taken;
    for (let at = this.#end; at > place; at -= 1) this.#tokens[at] = this.#tokens[at - 1] ?? token;
    this.#tokens[place] = token;
    this.#end += 1;
  }
}

class BlockIndents {
  /** Column of the innermost one; -1 outside of any. */
  column = -1;
  readonly #outer: number[] = [];

  /** Opens a collection at `mark`, before the token numbered `before`, if it is deeper than the innermost one. */
  open(type: TokenType, mark: Mark, before: number, tokens: TokenQueue): void {
    if (this.column >= mark.column) return;
    this.#outer.push(this.column);
    this.column = mark.column;
    tokens.insert(type, mark, before);
  }

  close(): void {
    this.column = this.#outer.pop() ?? -1;
  }
}

/** The scanner's place and the tokens it allows next: the part of libyaml's scanner that all tokens share. */
export class ScanState {
  readonly cursor: Cursor;
  readonly tokens = new TokenQueue();
  readonly indents = new BlockIndents();
  readonly keys = new SimpleKeys();
  /** Whether a key without `?` can begin here. */
  keyAllowed = true;

  constructor(text: string) {
    this.cursor = new Cursor(text, text.charCodeAt(0) === BOM ? 1 : 0);
  }

  get inBlock(): boolean {
    return this.keys.flowLevel === 0;
  }

  add(type: TokenType, start: Mark, end: number, value = "", style: ScalarStyle = "plain", suffix = ""): void {
    this.tokens.add({ type, start, end, value, suffix, style, key: this.keys.at(this.tokens.next) });
  }

  addIndicator(type: TokenType, length = 1): void {
    const start = this.cursor.mark();
    this.cursor.skip(length);
    this.add(type, start, this.cursor.at);
  }

  /** Opens a block collection that begins at the cursor, unless it is open already. */
  openBlock(type: TokenType, refusal: string): void {
    if (!this.inBlock) return;
    if (!this.keyAllowed) this.cursor.fail(refusal);
    this.indents.open(type, this.cursor.mark(), this.tokens.next, this.tokens);
  }

  /** Closes the block collections to which a token in this column does not belong. */
  closeDeeper(column: number): void {
    if (!this.inBlock) return;
    for (; this.indents.column > column; this.indents.close())
      this.add("block-end", this.cursor.mark(), this.cursor.at);
  }

  closeAll(): void {
    this.closeDeeper(-1);
    this.keys.remove(this.cursor);
    this.keyAllowed = false;
  }

  saveKey(): Mark {
    const mark = this.cursor.mark();
    if (!this.keyAllowed) return mark;
    const required = this.inBlock && this.indents.column === mark.column;
    this.keys.save({ token: this.tokens.next, required, mark, isAwaited: true, end: null }, this.cursor);
    return mark;
  }

  /** Starts a possible key; no other key can begin after it on the same line. */
  startContent(): Mark {
    const mark = this.saveKey();
    this.keyAllowed = false;
    return mark;
  }
}

/** The block context, or an open flow collection. */
interface Level {
  readonly depth: number;
  readonly outer: Level | null;
  key: SimpleKey | null;
  /** The possible key that begins with its bracket, until it has one of its own. */
  opener: SimpleKey | null;
}

/** Counts characters, not UTF-16 units. */
function isTooLong(key: SimpleKey, { at, text }: Cursor): boolean {
  if (at - key.mark.at <= LONGEST) return false;
  key.end ??= key.mark.at + [...text.slice(key.mark.at, key.mark.at + 2 * LONGEST)].slice(0, LONGEST).join("").length;
  return at > key.end;
}
