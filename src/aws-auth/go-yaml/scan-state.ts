import { BlockIndents } from "./block-indents.ts";
import { BOM } from "./characters.ts";
import { Cursor } from "./cursor.ts";
import { SimpleKeys } from "./simple-keys.ts";
import type { Mark, TokenType } from "./token.ts";
import { TokenQueue } from "./token-queue.ts";

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
