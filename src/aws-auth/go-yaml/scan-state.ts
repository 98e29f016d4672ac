import { BOM } from "./characters.ts";
import { Cursor } from "./cursor.ts";
import { SimpleKeys } from "./simple-keys.ts";
import type { Mark, ScalarStyle, Token, TokenType } from "./token.ts";

/** Tokens that are made but not given out yet. A key and the collection that it opens are put in after the fact. */
class TokenQueue {
  readonly #tokens: Token[] = [];
  #head = 0;
  #taken = 0;

  /** How many have been given out. */
  get taken(): number {
    return this.#taken;
  }

  /** The number that the next token to be added will have. */
  get next(): number {
    return this.#taken + this.#tokens.length - this.#head;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tokens.length;
  }

  first(): Token | undefined {
    return this.#tokens[this.#head];
  }

  shift(): void {
    this.#head += 1;
    this.#taken += 1;
    if (!this.isEmpty) return;
    this.#tokens.length = 0;
    this.#head = 0;
  }

  add(type: TokenType, start: Mark, end: number, value = "", style: ScalarStyle = "plain", suffix = ""): void {
    this.#tokens.push({ type, start, end, value, suffix, style });
  }

  /** Puts a token without any text before the one with this number; at the end, if that has been given out. */
  insert(type: TokenType, start: Mark, before: number): void {
    const token: Token = { type, start, end: start.at, value: "", suffix: "", style: "plain" };
    if (before < this.#taken) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + before - this.#taken, 0, token);
  }
}

/** The columns of the block collections that are open. */
class BlockIndents {
  /** Column of the innermost one; -1 outside of any. */
  column = -1;
  readonly #outer: number[] = [];

  /** Opens a collection at `mark`, before the token numbered `before`, if that is deeper than the innermost one. */
  open(type: TokenType, mark: Mark, before: number, tokens: TokenQueue): void {
    if (this.column >= mark.column) return;
    this.#outer.push(this.column);
    this.column = mark.column;
    tokens.insert(type, mark, before);
  }

  /** Closes all collections that are deeper than a column. */
  closeDeeper(column: number, tokens: TokenQueue, cursor: Cursor): void {
    while (this.column > column) {
      tokens.add("block-end", cursor.mark(), cursor.at);
      this.column = this.#outer.pop() ?? -1;
    }
  }
}

/** Where scanning stands, and what may come next: the part of libyaml's scanner that all tokens share. */
export class ScanState {
  readonly cursor: Cursor;
  readonly tokens = new TokenQueue();
  readonly indents = new BlockIndents();
  readonly keys = new SimpleKeys();
  /** Whether a key without `?` may begin here. */
  keyAllowed = true;

  constructor(text: string) {
    this.cursor = new Cursor(text, text.charCodeAt(0) === BOM ? 1 : 0);
  }

  get inBlock(): boolean {
    return this.keys.flowLevel === 0;
  }

  /** Adds a token of indicators, which stand at the cursor. */
  addIndicator(type: TokenType, length = 1): void {
    const start = this.cursor.mark();
    this.cursor.skip(length);
    this.tokens.add(type, start, this.cursor.at);
  }

  /** Opens a block collection that begins at the cursor, unless it is open already. */
  openBlock(type: TokenType, refusal: string): void {
    if (!this.inBlock) return;
    if (!this.keyAllowed) this.cursor.fail(refusal);
    this.indents.open(type, this.cursor.mark(), this.tokens.next, this.tokens);
  }

  /** Closes the block collections that a token in this column is no part of. */
  closeDeeper(column: number): void {
    if (this.inBlock) this.indents.closeDeeper(column, this.tokens, this.cursor);
  }

  closeAll(): void {
    this.closeDeeper(-1);
    this.keys.remove(this.cursor);
    this.keyAllowed = false;
  }

  /** Remembers that what begins at the cursor may turn out to be a key. */
  saveKey(): void {
    if (!this.keyAllowed) return;
    const required = this.inBlock && this.indents.column === this.cursor.column;
    this.keys.save({ token: this.tokens.next, required, mark: this.cursor.mark() }, this.cursor);
  }

  /** Starts something that may be a key, and behind which no other key may begin on the same line. */
  startContent(): Mark {
    this.saveKey();
    this.keyAllowed = false;
    return this.cursor.mark();
  }
}
