import type { Cursor } from "./cursor.ts";
import type { Mark, TokenType } from "./token.ts";
import type { TokenQueue } from "./token-queue.ts";

/** The columns of the block collections that are open. */
export class BlockIndents {
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
