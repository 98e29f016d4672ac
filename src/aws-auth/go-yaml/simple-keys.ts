import type { Cursor } from "./cursor.ts";
import type { Mark } from "./token.ts";

/** A place where a key without `?` may have begun: it is one only if its `:` comes on the same line, soon enough. */
interface SimpleKey {
  /** The number of the token that it would begin with, counted from the start of the text. */
  readonly token: number;
  /** Nothing but a key can stand here. */
  readonly required: boolean;
  readonly mark: Mark;
}

/** The lookahead that YAML grants a key, in characters. */
const LONGEST = 1024;

/** The block context, or a flow collection that is open. */
interface Level {
  readonly depth: number;
  readonly outer: Level | null;
  /** The key that may have begun in it. */
  key: SimpleKey | null;
  /** The number of the token that last claimed it: at first the bracket that opened it. */
  claim: number;
}

/** The keys that may have begun: one for each flow level. */
export class SimpleKeys {
  #level: Level = { depth: 0, outer: null, key: null, claim: 0 };
  /** By token number: asked before each token that is given out, so that deep nesting costs nothing. */
  readonly #levelOf = new Map<number, Level>();

  get flowLevel(): number {
    return this.#level.depth;
  }

  /** Enters a flow collection whose bracket will be the token with this number. */
  deepen(token: number): void {
    this.#level = { depth: this.#level.depth + 1, outer: this.#level, key: null, claim: token };
  }

  /**
   * Leaves a flow collection. An empty one makes go-yaml forget that its bracket may begin a key, though the key stays
   * valid: in `[]: x` the list is given out, and the rest is no part of the document. So does this.
   */
  surface(): void {
    const { outer, claim } = this.#level;
    if (outer === null) return;
    this.#level = outer;
    this.#levelOf.delete(claim);
  }

  save(key: SimpleKey, cursor: Cursor): void {
    this.remove(cursor);
    this.#level.key = key;
    this.#level.claim = key.token;
    this.#levelOf.set(key.token, this.#level);
  }

  /** Drops the key of this level; fails where nothing but a key could stand. */
  remove(cursor: Cursor): void {
    const { key } = this.#level;
    if (key?.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget(this.#level);
  }

  /** Takes the key of this level for one whose `:` has come, or answers null. */
  takeValid(cursor: Cursor): SimpleKey | null {
    const key = this.#validAt(this.#level, cursor);
    this.#forget(this.#level);
    return key;
  }

  /** Whether a key may still begin at this token, so that it can't be given out yet. */
  mayBeginAt(token: number, cursor: Cursor): boolean {
    const level = this.#levelOf.get(token);
    return level !== undefined && this.#validAt(level, cursor) !== null;
  }

  #forget(level: Level): void {
    if (level.key === null) return;
    this.#levelOf.delete(level.key.token);
    level.key = null;
  }

  #validAt(level: Level, cursor: Cursor): SimpleKey | null {
    const { key } = level;
    if (key === null || (key.mark.line === cursor.line && !isTooLong(key.mark, cursor))) return key;
    if (key.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget(level);
    return null;
  }
}

/** Characters are counted, not UTF-16 units: a slow count, made only where it can matter. */
function isTooLong(mark: Mark, { at, text }: Cursor): boolean {
  return at - mark.at > LONGEST && [...text.slice(mark.at, at)].length > LONGEST;
}
