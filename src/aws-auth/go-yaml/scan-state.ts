import { BOM, Cursor, type Mark, type ScalarStyle, type Token, type TokenType } from "./cursor.ts";

/** The lookahead that YAML grants a key, in characters. */
const LONGEST = 1024;

/** The keys that may have begun: one for each flow level. */
class SimpleKeys {
  #level: Level = { depth: 0, outer: null, key: null, claim: 0 };
  /** By token number: asked before each token that is given out, so that deep nesting costs nothing. */
  readonly #levelOf = new Map<number, Level>();

  get flowLevel(): number {
    return this.#level.depth;
  }

  /** Enters a flow collection. `token` is the number that its bracket will have. */
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

  /** Takes the key of this level, because its `:` has come; null if there is no valid one. */
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

/** The scanner's place and what may come next: the part of libyaml's scanner that all tokens share. */
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

/** A place where a key without `?` may have begun: it is one only if its `:` comes on the same line, soon enough. */
interface SimpleKey {
  /** The number of the token that it would begin with, counted from the start of the text. */
  readonly token: number;
  /** Nothing but a key can stand here. */
  readonly required: boolean;
  readonly mark: Mark;
}

/** The block context, or a flow collection that is open. */
interface Level {
  readonly depth: number;
  readonly outer: Level | null;
  /** The key that may have begun in it. */
  key: SimpleKey | null;
  /** The number of the token that last claimed it: at first the bracket that opened it. */
  claim: number;
}

/** Characters are counted, not UTF-16 units: a slow count, made only where it can matter. */
function isTooLong(mark: Mark, { at, text }: Cursor): boolean {
  return at - mark.at > LONGEST && [...text.slice(mark.at, at)].length > LONGEST;
}
