import { BOM, isBlank, isBlankBreakOrEnd, isBreak, isBreakOrEnd, NUL, SPACE, TAB } from "./characters.ts";
import { Cursor } from "./cursor.ts";
import { scanBlockScalar } from "./scan-block-scalar.ts";
import { scanAnchor, scanDirective, scanTag } from "./scan-name.ts";
import { scanPlain } from "./scan-plain.ts";
import { scanQuoted } from "./scan-quoted.ts";
import { SimpleKeys } from "./simple-keys.ts";
import type { Mark, ScalarStyle, Token, TokenType } from "./token.ts";

/** go-yaml's own bound. */
const DEPTH = 10_000;

/**
 * Tokens of a text, as lazily as go-yaml v2 makes them: it reads no further than it must, and so never sees an error
 * behind the end of the first document. The rules on simple keys and indentation are those of libyaml, which it ports.
 */
export class Scanner {
  readonly #cursor: Cursor;
  readonly #queue: Token[] = [];
  #head = 0;
  #taken = 0;
  #indent = -1;
  readonly #indents: number[] = [];
  #keyAllowed = true;
  readonly #keys = new SimpleKeys();

  constructor(text: string) {
    this.#cursor = new Cursor(text, text.charCodeAt(0) === BOM ? 1 : 0);
  }

  peek(): Token {
    while (this.#head === this.#queue.length || this.#keys.mayBeginAt(this.#taken, this.#cursor)) this.#fetch();
    const token = this.#queue[this.#head];
    if (token === undefined) throw new Error("the scanner was asked for a token behind the end");
    return token;
  }

  take(): Token {
    const token = this.peek();
    this.#head += 1;
    this.#taken += 1;
    if (this.#head > 512 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return token;
  }

  /** Adds at least one token, unless the text is at its end and all is added. */
  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipToToken();
    this.#unroll(cursor.column);
    const code = cursor.code();
    if (code === NUL) return this.#fetchEnd();
    if (cursor.column === 0 && code === 0x25) return this.#fetchDirective();
    if (cursor.atDocumentIndicator())
      return this.#fetchDocumentIndicator(code === 0x2d ? "document-start" : "document-end");
    const fetch = this.#fetcher(code, cursor.code(1));
    if (fetch === null) return cursor.fail("found character that cannot start any token");
    fetch();
  }

  #fetcher(code: number, next: number): (() => void) | null {
    const inFlow = this.#keys.flowLevel > 0;
    const alone = isBlankBreakOrEnd(next);
    switch (code) {
      case 0x5b:
        return () => this.#fetchFlowStart("flow-sequence-start");
      case 0x7b:
        return () => this.#fetchFlowStart("flow-mapping-start");
      case 0x5d:
        return () => this.#fetchFlowEnd("flow-sequence-end");
      case 0x7d:
        return () => this.#fetchFlowEnd("flow-mapping-end");
      case 0x2c:
        return () => this.#fetchFlowEntry();
      case 0x2a:
        return () => this.#fetchName("alias");
      case 0x26:
        return () => this.#fetchName("anchor");
      case 0x21:
        return () => this.#fetchTag();
      case 0x27:
        return () => this.#fetchQuoted("single");
      case 0x22:
        return () => this.#fetchQuoted("double");
      case 0x2d:
        if (alone) return () => this.#fetchBlockEntry();
        return () => this.#fetchPlain();
      case 0x3f:
        if (inFlow || alone) return () => this.#fetchKey();
        return () => this.#fetchPlain();
      case 0x3a:
        if (inFlow || alone) return () => this.#fetchValue();
        return () => this.#fetchPlain();
      case 0x7c:
        return inFlow ? null : () => this.#fetchBlockScalar("literal");
      case 0x3e:
        return inFlow ? null : () => this.#fetchBlockScalar("folded");
      case 0x23:
      case 0x25:
      case 0x40:
      case 0x60:
      case TAB:
        return null;
      default:
        return () => this.#fetchPlain();
    }
  }

  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      const tabs = this.#keys.flowLevel > 0 || !this.#keyAllowed;
      while (cursor.code() === SPACE || (tabs && cursor.code() === TAB)) cursor.skip();
      if (cursor.code() === 0x23) while (!isBreakOrEnd(cursor.code())) cursor.skip();
      if (!isBreak(cursor.code())) return;
      cursor.skipBreak();
      if (this.#keys.flowLevel === 0) this.#keyAllowed = true;
    }
  }

  #push(
    type: TokenType,
    start: Mark,
    text: { value?: string; suffix?: string; style?: ScalarStyle; end?: number } = {},
  ) {
    const { value = "", suffix = "", style = "plain", end = this.#cursor.at } = text;
    this.#queue.push({ type, start, end, value, suffix, style });
  }

  /** Opens a block collection if the column is deeper than the one that is open; `before` is the token it starts at. */
  #roll(type: TokenType, mark: Mark, before: number | null): void {
    if (this.#keys.flowLevel > 0 || this.#indent >= mark.column) return;
    this.#indents.push(this.#indent);
    this.#indent = mark.column;
    if (this.#indents.length > DEPTH) this.#cursor.fail(`exceeded max depth of ${DEPTH}`);
    this.#insert({ type, start: mark, end: mark.at, value: "", suffix: "", style: "plain" }, before);
  }

  #insert(token: Token, before: number | null): void {
    if (before === null) this.#queue.push(token);
    else this.#queue.splice(this.#head + before - this.#taken, 0, token);
  }

  #unroll(column: number): void {
    if (this.#keys.flowLevel > 0) return;
    while (this.#indent > column) {
      this.#push("block-end", this.#cursor.mark());
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const required = this.#keys.flowLevel === 0 && this.#indent === this.#cursor.column;
    this.#keys.save({ token: this.#nextToken(), required, mark: this.#cursor.mark() }, this.#cursor);
  }

  #nextToken(): number {
    return this.#taken + this.#queue.length - this.#head;
  }

  #closeAll(): void {
    this.#unroll(-1);
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = false;
  }

  #fetchEnd(): void {
    this.#closeAll();
    this.#push("stream-end", this.#cursor.mark());
  }

  #fetchDirective(): void {
    this.#closeAll();
    const start = this.#cursor.mark();
    const directive = scanDirective(this.#cursor);
    if (directive.type === "version-directive") this.#push(directive.type, start, { value: directive.version });
    else this.#push(directive.type, start, { value: directive.handle, suffix: directive.prefix });
  }

  #fetchDocumentIndicator(type: TokenType): void {
    this.#closeAll();
    this.#fetchIndicator(type, 3);
  }

  #fetchIndicator(type: TokenType, length = 1): void {
    const start = this.#cursor.mark();
    this.#cursor.skip(length);
    this.#push(type, start);
  }

  #fetchFlowStart(type: TokenType): void {
    this.#saveKey();
    if (this.#keys.deepen() > DEPTH) this.#cursor.fail(`exceeded max depth of ${DEPTH}`);
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
    if (this.#keys.flowLevel === 0) {
      if (!this.#keyAllowed) this.#cursor.fail("block sequence entries are not allowed in this context");
      this.#roll("block-sequence-start", this.#cursor.mark(), null);
    }
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = true;
    this.#fetchIndicator("block-entry");
  }

  #fetchKey(): void {
    if (this.#keys.flowLevel === 0) {
      if (!this.#keyAllowed) this.#cursor.fail("mapping keys are not allowed in this context");
      this.#roll("block-mapping-start", this.#cursor.mark(), null);
    }
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = this.#keys.flowLevel === 0;
    this.#fetchIndicator("key");
  }

  #fetchValue(): void {
    const key = this.#keys.takeValid(this.#cursor);
    if (key !== null) {
      this.#insert(
        { type: "key", start: key.mark, end: key.mark.at, value: "", suffix: "", style: "plain" },
        key.token,
      );
      this.#roll("block-mapping-start", key.mark, key.token);
      this.#keyAllowed = false;
    } else {
      if (this.#keys.flowLevel === 0) {
        if (!this.#keyAllowed) this.#cursor.fail("mapping values are not allowed in this context");
        this.#roll("block-mapping-start", this.#cursor.mark(), null);
      }
      this.#keyAllowed = this.#keys.flowLevel === 0;
    }
    this.#fetchIndicator("value");
  }

  #fetchName(type: "alias" | "anchor"): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark();
    this.#push(type, start, { value: scanAnchor(this.#cursor) });
  }

  #fetchTag(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark();
    const tag = scanTag(this.#cursor);
    this.#push("tag", start, { value: tag.handle, suffix: tag.suffix });
  }

  #fetchBlockScalar(style: "literal" | "folded"): void {
    this.#keys.remove(this.#cursor);
    this.#keyAllowed = true;
    const start = this.#cursor.mark();
    this.#push("scalar", start, { ...scanBlockScalar(this.#cursor, style === "literal", this.#indent), style });
  }

  #fetchQuoted(style: "single" | "double"): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark();
    this.#push("scalar", start, { value: scanQuoted(this.#cursor, style === "single"), style });
  }

  #fetchPlain(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark();
    const { value, end, brokeLine } = scanPlain(this.#cursor, this.#indent, this.#keys.flowLevel > 0);
    if (brokeLine) this.#keyAllowed = true;
    this.#push("scalar", start, { value, end });
  }
}
