import { BOM, Cursor, type Mark, type ScalarStyle, type Token, type TokenType } from "./cursor.ts";

/** The lookahead that YAML grants a key, in characters. */
const LONGEST = 1024;

/** The possible keys: one for each flow level. */
class SimpleKeys {
  #level: Level = { depth: 0, outer: null, key: null, claim: 0 };
  /** By token number: checked before each token is returned, so that deep nesting costs nothing. */
  readonly #levelOf = new Map<number, Level>();

  get flowLevel(): number {
    return this.#level.depth;
  }

  /** Enters a flow collection. `token`: the number of its bracket. */
  deepen(token: number): void {
    this.#level = { depth: this.#level.depth + 1, outer: this.#level, key: null, claim: token };
  }

  /**
   * Leaves a flow collection. After an empty one go-yaml forgets that its bracket can begin a key: of `[]: x` it returns the
   * list alone. So does this.
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

  /** Drops the key of this level; fails if only a key is allowed there. */
  remove(cursor: Cursor): void {
    const { key } = this.#level;
    if (key?.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget(this.#level);
  }

  /** Takes the key of this level, because its `:` has come; null: there is no valid one. */
  takeValid(cursor: Cursor): SimpleKey | null {
    const key = this.#validAt(this.#level, cursor);
    this.#forget(this.#level);
    return key;
  }

  /** Whether a key can still begin at this token: it must not be returned yet. */
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

/** Tokens that are made but not returned yet. A key and the collection that it opens are inserted later. */
class TokenQueue {
  readonly #tokens: Token[] = [];
  #head = 0;
  #taken = 0;

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

  /** Inserts an empty token before the one with this number; at the end, if that was returned already. */
  insert(type: TokenType, start: Mark, before: number): void {
    const token: Token = { type, start, end: start.at, value: "", suffix: "", style: "plain" };
    if (before < this.#taken) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + before - this.#taken, 0, token);
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

  closeDeeper(column: number, tokens: TokenQueue, cursor: Cursor): void {
    while (this.column > column) {
      tokens.add("block-end", cursor.mark(), cursor.at);
      this.column = this.#outer.pop() ?? -1;
    }
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

  /** Closes the block collections to which a token in this column does not belong. */
  closeDeeper(column: number): void {
    if (this.inBlock) this.indents.closeDeeper(column, this.tokens, this.cursor);
  }

  closeAll(): void {
    this.closeDeeper(-1);
    this.keys.remove(this.cursor);
    this.keyAllowed = false;
  }

  saveKey(): void {
    if (!this.keyAllowed) return;
    const required = this.inBlock && this.indents.column === this.cursor.column;
    this.keys.save({ token: this.tokens.next, required, mark: this.cursor.mark() }, this.cursor);
  }

  /** Starts a possible key; no other key can begin after it on the same line. */
  startContent(): Mark {
    this.saveKey();
    this.keyAllowed = false;
    return this.cursor.mark();
  }
}

/** A possible start of a key without `?`: it is one only if its `:` comes on the same line, soon enough. */
interface SimpleKey {
  /** The number of its first token, counted from the start of the text. */
  readonly token: number;
  /** Only a key is allowed here. */
  readonly required: boolean;
  readonly mark: Mark;
}

/** The block context, or an open flow collection. */
interface Level {
  readonly depth: number;
  readonly outer: Level | null;
  key: SimpleKey | null;
  /** The number of the token that last claimed it: at first the bracket that opened it. */
  claim: number;
}

/** Counts characters, not UTF-16 units: slow, and only done where it can matter. */
function isTooLong(mark: Mark, { at, text }: Cursor): boolean {
  return at - mark.at > LONGEST && [...text.slice(mark.at, at)].length > LONGEST;
}
