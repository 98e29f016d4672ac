import { LINE_BREAK } from "./characters.ts";

/** Why Go's parser gives up on a text, and where: zero-based line and column, counted in UTF-16 units. */
export class YamlFailure extends Error {
  readonly line: number;
  readonly column: number;

  constructor(problem: string, line: number, column: number) {
    super(problem);
    this.line = line;
    this.column = column;
  }
}

/** What go-yaml may well read, and this reader does not: it would take memory and time that the process has not. */
export class YamlExcess extends YamlFailure {}

/** Gives up at a place in the text. */
export function failAt(problem: string, at: { readonly line: number; readonly column: number }): never {
  throw new YamlFailure(problem, at.line, at.column);
}

/** The line and column of an offset, each zero-based. */
export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const lines = text.slice(0, at).split(LINE_BREAK);
  return { line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
}
