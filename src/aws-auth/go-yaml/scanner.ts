import { BlockIndents, DEEPEST } from "./block-indents.ts";
import { BOM, isBlankBreakOrEnd, isBreak, isBreakOrEnd, NUL, SPACE, TAB } from "./characters.ts";
import { Cursor } from "./cursor.ts";
import { scanBlockScalar } from "./scan-block-scalar.ts";
import { scanDirective } from "./scan-directive.ts";
import { scanPlain } from "./scan-plain.ts";
import { scanAnchor, scanTag } from "./scan-property.ts";
import { scanQuoted } from "./scan-quoted.ts";
import { SimpleKeys } from "./simple-keys.ts";
import type { Mark, Token, TokenType } from "./token.ts";
import { TokenQueue } from "./token-queue.ts";

/**
 * Tokens of a text, as lazily as go-yaml v2 makes them: it reads no further than it must, and so never sees an error
 * behind the end of the first document. The rules on simple keys and indentation are those of libyaml.
 */
export class Scanner {
  readonly #cursor: Cursor;
  readonly #tokens = new TokenQueue();
  readonly #indents = new BlockIndents();
  readonly #keys = new SimpleKeys();
  #keyAllowed = true;

  constructor(text: string) {
    this.#cursor = new Cursor(text, text.charCodeAt(0) === BOM ? 1 : 0);
  }

  /** The next token. Behind the end of the text there is none to be asked for. */
  peek(): Token {
    while (this.#tokens.isEmpty || this.#keys.mayBeginAt(this.#tokens.taken, this.#cursor)) this.#fetch();
    const token = this.#tokens.first();
    if (token === undefined) return this.#cursor.fail("there is nothing behind the end of the text");
    return token;
  }

  take(): Token {
    const token = this.peek();
    this.#tokens.shift();
    return token;
  }

  get #inBlock(): boolean {
    return this.#keys.flowLevel === 0;
  }

  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipToToken();
    if (this.#inBlock) this.#indents.closeDeeper(cursor.column, this.#tokens, cursor);
    const code = cursor.code();
    if (code === NUL) this.#fetchEnd();
    else if (cursor.column === 0 && code === 0x25) this.#fetchDirective();
    else if (cursor.atDocumentIndicator())
      this.#fetchDocumentIndicator(code === 0x2d ? "document-start" : "document-end");
    else this.#fetchByFirst(code, isBlankBreakOrEnd(cursor.code(1)));
  }

  /** Fetches the token that begins with `code`; `alone` says that a blank, a break or the end follows it. */
  #fetchByFirst(code: number, alone: boolean): void {
    const inBlock = this.#inBlock;
    if (code === 0x5b) this.#fetchFlowStart("flow-sequence-start");
    else if (code === 0x7b) this.#fetchFlowStart("flow-mapping-start");
    else if (code === 0x5d) this.#fetchFlowEnd("flow-sequence-end");
    else if (code === 0x7d) this.#fetchFlowEnd("flow-mapping-end");
    else if (code === 0x2c) this.#fetchFlowEntry();
    else if (code === 0x2d && alone) this.#fetchBlockEntry();
    else if (code === 0x3f && (alone || !inBlock)) this.#fetchKey();
    else if (code === 0x3a && (alone || !inBlock)) this.#fetchValue();
    else if (code === 0x2a) this.#fetchName("alias");
    else if (code === 0x26) this.#fetchName("anchor");
    else if (code === 0x21) this.#fetchTag();
    else if (code === 0x7c && inBlock) this.#fetchBlockScalar("literal");
    else if (code === 0x3e && inBlock) this.#fetchBlockScalar("folded");
    else if (code === 0x27) this.#fetchQuoted("single");
    else if (code === 0x22) this.#fetchQuoted("double");
    else if (!STARTS_NOTHING.has(code)) this.#fetchPlain();
    else this.#cursor.fail("found character that cannot start any token");
  }

  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      const mayBeTab = !this.#inBlock || !this.#keyAllowed;
      while (cursor.code() === SPACE || (mayBeTab && cursor.code() === TAB)) cursor.skip();
      if (cursor.code() === 0x23) while (!isBreakOrEnd(cursor.code())) cursor.skip();
      if (!isBreak(cursor.code())) return;
      cursor.skipBreak();
      if (this.#inBlock) this.#keyAllowed = true;
    }
  }

  #openBlock(type: TokenType, refusal: string): void {
    if (!this.#inBlock) return;
    if (!this.#keyAllowed) this.#cursor.fail(refusal);
    this.#indents.open(type, this.#cursor.mark(), this.#tokens.next, this.#tokens, this.#cursor);
  }

  /** What begins here may turn out to be a key. */
  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const required = this.#inBlock && this.#indents.column === this.#cursor.column;
    this.#keys.save({ token: this.#tokens.next, required, mark: this.#cursor.mark() }, this.#cursor);
  }

  #closeAll(): void {
    if (this.#inBlock) this.#indents.closeDeeper(-1, this.#tokens, this.#cursor);
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = false;
  }

  #fetchIndicator(type: TokenType, length = 1): void {
    const start = this.#cursor.mark();
    this.#cursor.skip(length);
    this.#tokens.add(type, start, this.#cursor.at);
  }

  #fetchEnd(): void {
    this.#cursor.endLine();
    this.#closeAll();
    this.#tokens.add("stream-end", this.#cursor.mark(), this.#cursor.at);
  }

  #fetchDirective(): void {
    this.#closeAll();
    const start = this.#cursor.mark();
    const { type, value, prefix } = scanDirective(this.#cursor);
    this.#tokens.add(type, start, this.#cursor.at, value, "plain", prefix);
  }

  #fetchDocumentIndicator(type: TokenType): void {
    this.#closeAll();
    this.#fetchIndicator(type, 3);
  }

  #fetchFlowStart(type: TokenType): void {
    this.#saveKey();
    if (this.#keys.deepen(this.#tokens.next) > DEEPEST) this.#cursor.fail(`exceeded max depth of ${DEEPEST}`);
    this.#keyAllowed = true;
    this.#fetchIndicator(type);
  }

  #fetchFlowEnd(type: TokenType): void {
    this.#keys.remove(this.#cursor);
    this.#keys.surface();
    this.#keyAllowed = false;
    this.#fetchIndicator(type);
  }

  #fetchFlowEntry(): void {
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = true;
    this.#fetchIndicator("flow-entry");
  }

  #fetchBlockEntry(): void {
    this.#openBlock("block-sequence-start", "block sequence entries are not allowed in this context");
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = true;
    this.#fetchIndicator("block-entry");
  }

  #fetchKey(): void {
    this.#openBlock("block-mapping-start", "mapping keys are not allowed in this context");
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = this.#inBlock;
    this.#fetchIndicator("key");
  }

  #fetchValue(): void {
    const key = this.#keys.takeValid(this.#cursor);
    if (key === null) {
      this.#openBlock("block-mapping-start", "mapping values are not allowed in this context");
    } else {
      this.#tokens.insert("key", key.mark, key.token);
      if (this.#inBlock) this.#indents.open("block-mapping-start", key.mark, key.token, this.#tokens, this.#cursor);
    }
    this.#keyAllowed = key === null && this.#inBlock;
    this.#fetchIndicator("value");
  }

  /** Marks the start of something that may be a key, and behind which no other key may start on the same line. */
  #startContent(): Mark {
    this.#saveKey();
    this.#keyAllowed = false;
    return this.#cursor.mark();
  }

  #fetchName(type: "alias" | "anchor"): void {
    const start = this.#startContent();
    const name = scanAnchor(this.#cursor);
    this.#tokens.add(type, start, this.#cursor.at, name);
  }

  #fetchTag(): void {
    const start = this.#startContent();
    const { handle, suffix } = scanTag(this.#cursor);
    this.#tokens.add("tag", start, this.#cursor.at, handle, "plain", suffix);
  }

  #fetchQuoted(style: "single" | "double"): void {
    const start = this.#startContent();
    const value = scanQuoted(this.#cursor, style === "single");
    this.#tokens.add("scalar", start, this.#cursor.at, value, style);
  }

  #fetchPlain(): void {
    const start = this.#startContent();
    const { value, end, brokeLine } = scanPlain(this.#cursor, this.#indents.column, !this.#inBlock);
    if (brokeLine) this.#keyAllowed = true;
    this.#tokens.add("scalar", start, end, value);
  }

  #fetchBlockScalar(style: "literal" | "folded"): void {
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = true;
    const start = this.#cursor.mark();
    const { value, end } = scanBlockScalar(this.#cursor, style === "literal", this.#indents.column);
    this.#tokens.add("scalar", start, end, value, style);
  }
}

/** `#` `%` `@` `` ` `` and TAB, `|` and `>` in a flow collection: no token begins with these. */
const STARTS_NOTHING: ReadonlySet<number> = new Set([0x23, 0x25, 0x40, 0x60, 0x7c, 0x3e, TAB]);
