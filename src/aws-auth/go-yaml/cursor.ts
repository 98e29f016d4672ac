/** Character classes of YAML 1.1 as go-yaml v2 defines them, on UTF-16 units. The end of the text reads as NUL. */
export const NUL = 0;
export const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
export const SPACE = 0x20;
const NEL = 0x85;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;
export const BOM = 0xfeff;

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function isBreak(code: number): boolean {
  return code === LF || code === CR || isWideBreak(code);
}

export function isBreakOrEnd(code: number): boolean {
  return code === NUL || isBreak(code);
}

/** Called for nearly every unit of a text. The units below a space are refused before, so the test is short. */
export function isBlankBreakOrEnd(code: number): boolean {
  return code <= SPACE || isWideBreak(code);
}

function isWideBreak(code: number): boolean {
  return code === NEL || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR;
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Letters, digits, `_` and `-`: the characters of anchors, handles and directive names. */
export function isWord(code: number): boolean {
  return (
    isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f || code === 0x2d
  );
}

/** A character that go-yaml's reader refuses anywhere in a text: controls except TAB, LF, CR and NEL, and non-characters. */
export const FORBIDDEN = /[^\t\n\r -~\u0085\u00a0-\ufffd]/;

export const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/;

export type TokenType =
  | "stream-end"
  | "version-directive"
  | "tag-directive"
  | "document-start"
  | "document-end"
  | "block-sequence-start"
  | "block-mapping-start"
  | "block-end"
  | "flow-sequence-start"
  | "flow-sequence-end"
  | "flow-mapping-start"
  | "flow-mapping-end"
  | "block-entry"
  | "flow-entry"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar";

export type ScalarStyle = "plain" | "single" | "double" | "literal" | "folded";

/** A place in the text: offset, line and column, each zero-based, in UTF-16 units. */
export interface Mark {
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

export interface Token {
  readonly type: TokenType;
  readonly start: Mark;
  readonly end: number;
  /** Text of a scalar; name of an alias or anchor; handle of a tag or of a tag directive; version as `1.1`. */
  readonly value: string;
  /** Suffix of a tag; prefix of a tag directive. */
  readonly suffix: string;
  readonly style: ScalarStyle;
  /** The key that may begin with it; null: none. */
  readonly key: SimpleKey | null;
}

/** A possible start of a key without `?`: it is one only if its `:` comes on the same line, soon enough. */
export interface SimpleKey {
  /** The number of its first token, counted from the start of the text. */
  readonly token: number;
  readonly required: boolean;
  readonly mark: Mark;
  /** Whether its first token waits for it. */
  isAwaited: boolean;
  /** Offset of the last place where its `:` can come; null: not computed yet. */
  end: number | null;
}

/** Why and where Go's parser fails: zero-based line and column, in UTF-16 units. */
export class YamlFailure extends Error {
  readonly line: number;
  readonly column: number;

  constructor(problem: string, line: number, column: number) {
    super(problem);
    this.line = line;
    this.column = column;
  }
}

/** Text that go-yaml may read and this reader does not: such as what would take too much memory or time. */
export class YamlExcess extends YamlFailure {}

export function failAt(problem: string, at: { readonly line: number; readonly column: number }): never {
  throw new YamlFailure(problem, at.line, at.column);
}

export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const lines = text.slice(0, at).split(LINE_BREAK);
  return { line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
}

/** The scanner's place in a text. It moves forward only, and knows its line and column. */
export class Cursor {
  readonly text: string;
  at: number;
  line = 0;
  column = 0;
  /** Offset of the furthest place where the scanner looked for an indicator. */
  #looked = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  code(ahead = 0): number {
    const at = this.at + ahead;
    return at < this.text.length ? this.text.charCodeAt(at) : 0;
  }

  skip(count = 1): void {
    this.at += count;
    this.column += count;
  }

  skipBreak(): string {
    const code = this.code();
    if (!isBreak(code)) return "";
    this.at += code === CR && this.code(1) === LF ? 2 : 1;
    this.line += 1;
    this.column = 0;
    return code === CR || code === 0x85 ? "\n" : String.fromCharCode(code);
  }

  /** Skips a comment, if one begins here. */
  skipComment(): void {
    if (this.code() === 0x23) while (!isBreakOrEnd(this.code())) this.skip();
  }

  takeWhile(holds: (code: number) => boolean): string {
    const from = this.at;
    while (holds(this.code())) this.skip();
    return this.text.slice(from, this.at);
  }

  /** Skips the rest of a line with a directive, or with the mark of a block scalar. */
  skipHeaderEnd(start: Mark): void {
    this.takeWhile(isBlank);
    this.skipComment();
    if (!isBreakOrEnd(this.code())) this.fail("did not find expected comment or line break", start);
    this.skipBreak();
  }

  /** Treats the end of the text as the end of a line, as libyaml does: no key can continue after it. */
  endLine(): void {
    if (this.column === 0) return;
    this.line += 1;
    this.column = 0;
  }

  /** Offset up to which go-yaml has requested text by now: four characters where it looks for an indicator, else one. */
  asked(whole: string): number {
    return Math.max(ahead(whole, this.#looked, 4), ahead(whole, this.at, 1));
  }

  mark(): Mark {
    return { at: this.at, line: this.line, column: this.column };
  }

  fail(problem: string, mark: Mark = this.mark()): never {
    return failAt(problem, mark);
  }

  /** `---` or `...` at the start of a line, which ends any plain or quoted scalar. */
  atDocumentIndicator(): boolean {
    this.#looked = this.at;
    if (this.column !== 0) return false;
    const code = this.code();
    if (code !== 0x2d && code !== 0x2e) return false;
    if (this.code(1) !== code || this.code(2) !== code) return false;
    const after = this.code(3);
    return after === 0x20 || after === 0x09 || after === 0 || isBreak(after);
  }
}

function ahead(text: string, from: number, characters: number): number {
  const [...next] = text.slice(from, from + 2 * characters);
  return from + next.slice(0, characters).join("").length;
}
