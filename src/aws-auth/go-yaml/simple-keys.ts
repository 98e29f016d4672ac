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

/** The keys that may have begun: one for each flow level, the block context first. */
export class SimpleKeys {
  readonly #levels: (SimpleKey | null)[] = [null];
  /** For each level, the number of the token that last claimed it: at first the bracket that opened it. */
  readonly #claims: number[] = [-1];
  /** Token number → level: asked before each token that is given out, so that deep nesting costs nothing. */
  readonly #levelOf = new Map<number, number>();

  get flowLevel(): number {
    return this.#levels.length - 1;
  }

  /** Enters a flow collection whose bracket will be the token with this number. */
  deepen(token: number): number {
    this.#claims.push(token);
    return this.#levels.push(null) - 1;
  }

  /**
   * Leaves a flow collection. An empty one makes go-yaml forget that its bracket may begin a key, though the key stays
   * valid: in `[]: x` the list is given out, and the rest is no part of the document. So does this.
   */
  surface(): void {
    if (this.flowLevel === 0) return;
    this.#levels.pop();
    this.#levelOf.delete(this.#claims.pop() ?? -1);
  }

  save(key: SimpleKey, cursor: Cursor): void {
    this.remove(cursor);
    this.#levels[this.flowLevel] = key;
    this.#claims[this.flowLevel] = key.token;
    this.#levelOf.set(key.token, this.flowLevel);
  }

  /** Drops the key of this level; fails where nothing but a key could stand. */
  remove(cursor: Cursor): void {
    const key = this.#current();
    if (key?.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget();
  }

  /** Takes the key of this level for one whose `:` has come, or answers null. */
  takeValid(cursor: Cursor): SimpleKey | null {
    const key = this.#validAt(this.flowLevel, cursor);
    this.#forget();
    return key;
  }

  /** Whether a key may still begin at this token, so that it can't be given out yet. */
  mayBeginAt(token: number, cursor: Cursor): boolean {
    if (this.#levelOf.size === 0) return false;
    const level = this.#levelOf.get(token);
    return level !== undefined && this.#validAt(level, cursor) !== null;
  }

  #current(): SimpleKey | null {
    return this.#levels[this.flowLevel] ?? null;
  }

  #forget(): void {
    const key = this.#current();
    if (key === null) return;
    this.#levelOf.delete(key.token);
    this.#levels[this.flowLevel] = null;
  }

  #validAt(level: number, cursor: Cursor): SimpleKey | null {
    const key = this.#levels[level] ?? null;
    if (key === null || (key.mark.line === cursor.line && !isTooLong(key.mark, cursor))) return key;
    if (key.required) cursor.fail("could not find expected ':'", key.mark);
    this.#levelOf.delete(key.token);
    this.#levels[level] = null;
    return null;
  }
}

/** Characters are counted, not UTF-16 units: a slow count, made only where it can matter. */
function isTooLong(mark: Mark, cursor: Cursor): boolean {
  if (cursor.at - mark.at <= LONGEST) return false;
  if (cursor.at - mark.at > 2 * LONGEST) return true;
  return [...cursor.text.slice(mark.at, cursor.at)].length > LONGEST;
}
