/** A piece of text, from `start` up to `end`, and what takes its place. Offsets are UTF-16 units. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. Of two at one place, the one that takes something away comes first. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const inOrder = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const pieces: string[] = [];
  let at = 0;
  for (const edit of inOrder) {
    pieces.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

const BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g;

/** Offset of the start of the line after `at`, or the end of the text. An offset at the start of a line stays. */
export function afterLine(text: string, at: number): number {
  if (at > 0 && isStartOfLine(text, at)) return at;
  BREAK.lastIndex = at;
  const found = BREAK.exec(text);
  return found === null ? text.length : found.index + found[0].length;
}

export function startOfLine(text: string, at: number): number {
  let start = at;
  while (start > 0 && !isBreakUnit(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

export function isStartOfLine(text: string, at: number): boolean {
  return at === 0 || isBreakUnit(text.charCodeAt(at - 1));
}

/** The line break that a text uses: its first one. */
export function lineBreakOf(text: string): string {
  BREAK.lastIndex = 0;
  return BREAK.exec(text)?.[0] ?? "\n";
}

function isBreakUnit(unit: number): boolean {
  return unit === 0x0a || unit === 0x0d || unit === 0x85 || unit === 0x2028 || unit === 0x2029;
}

/**
 * Edits a text line by line. `edit` gets it with its last line ended, which then also ends without a break in the
 * result: so lines that are added at the end and taken away again leave the text as it was. Null where `edit` gives up.
 */
export function editLines(text: string, edit: (whole: string) => readonly TextEdit[] | null): string | null {
  const missing = isStartOfLine(text, text.length) ? "" : lineBreakOf(text);
  const edits = edit(text + missing);
  if (edits === null) return null;
  const edited = applyEdits(text + missing, edits);
  return missing !== "" && edited.endsWith(missing) ? edited.slice(0, -missing.length) : edited;
}

/** Puts whole lines, given without the break at their end, at the start of a line. */
export function insertLines(at: number, lines: string, lineBreak: string): TextEdit {
  return { start: at, end: at, text: lines + lineBreak };
}

/** Takes whole lines away, from that of `from` to that of `to`. */
export function removeLines(text: string, from: number, to: number): TextEdit {
  return { start: startOfLine(text, from), end: afterLine(text, to), text: "" };
}
