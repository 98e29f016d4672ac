import { CR, isBreak, LF } from "./characters.ts";
import { failAt } from "./failure.ts";
import type { Mark } from "./token.ts";

/** Where the scanner stands in a text. It moves forward only, and knows its line and column. */
export class Cursor {
  readonly text: string;
  at: number;
  line = 0;
  column = 0;
  /** Offset of the furthest place at which an indicator was looked for. */
  #looked = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** The unit `ahead` places further on; 0 behind the end. */
  code(ahead = 0): number {
    const at = this.at + ahead;
    return at < this.text.length ? this.text.charCodeAt(at) : 0;
  }

  /** Steps over `count` units, none of which is a line break. */
  skip(count = 1): void {
    this.at += count;
    this.column += count;
  }

  /** Steps over one line break, if there is one, and answers what it stands for in a value. */
  skipBreak(): string {
    const code = this.code();
    if (!isBreak(code)) return "";
    this.at += code === CR && this.code(1) === LF ? 2 : 1;
    this.line += 1;
    this.column = 0;
    return code === CR || code === 0x85 ? "\n" : String.fromCharCode(code);
  }

  /** Takes the end of the text for the end of a line, as libyaml does: no key can go on behind it. */
  endLine(): void {
    if (this.column === 0) return;
    this.line += 1;
    this.column = 0;
  }

  /** Offset up to which go-yaml has asked for text by now: four characters where it looks for an indicator, else one. */
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

/** The offset so many characters further on. */
function ahead(text: string, from: number, characters: number): number {
  const [...next] = text.slice(from, from + 2 * characters);
  return from + next.slice(0, characters).join("").length;
}
