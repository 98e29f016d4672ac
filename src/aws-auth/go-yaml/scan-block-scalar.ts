import { isBlank, isBreak, isBreakOrEnd, isDigit, NUL, SPACE, TAB } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import type { Mark } from "./token.ts";

export interface BlockScalar {
  value: string;
  /** Offset behind the last line that belongs to it, blank lines at its end included. */
  end: number;
}

type Chomping = "clip" | "keep" | "strip";

/** Reads a literal or folded scalar; the cursor stands on its `|` or `>`. `indent` is the column of the collection around it. */
export function scanBlockScalar(cursor: Cursor, literal: boolean, indent: number): BlockScalar {
  const start = cursor.mark();
  cursor.skip();
  const { chomping, increment } = scanHeader(cursor, start);
  const explicit = increment > 0 ? Math.max(indent, 0) + increment : 0;
  const lead = scanBreaks(cursor, explicit, indent);
  const column = lead.column;
  let trailing = lead.breaks;
  let lastBreak = "";
  let leadingBlank = false;
  let value = "";
  while (cursor.column === column && cursor.code() !== NUL) {
    const blank = isBlank(cursor.code());
    const folds = !literal && !leadingBlank && !blank && lastBreak === "\n";
    value += (folds ? (trailing === "" ? " " : "") : lastBreak) + trailing;
    leadingBlank = blank;
    const from = cursor.at;
    while (!isBreakOrEnd(cursor.code())) cursor.skip();
    value += cursor.text.slice(from, cursor.at);
    lastBreak = cursor.skipBreak();
    trailing = scanBreaks(cursor, column, indent).breaks;
  }
  if (chomping !== "strip") value += lastBreak;
  if (chomping === "keep") value += trailing;
  return { value, end: cursor.code() === NUL ? cursor.at : cursor.at - cursor.column };
}

function scanHeader(cursor: Cursor, start: Mark): { chomping: Chomping; increment: number } {
  let chomping = scanChomping(cursor);
  const increment = scanIncrement(cursor, start);
  if (chomping === "clip") chomping = scanChomping(cursor);
  while (isBlank(cursor.code())) cursor.skip();
  if (cursor.code() === 0x23) while (!isBreakOrEnd(cursor.code())) cursor.skip();
  if (!isBreakOrEnd(cursor.code())) cursor.fail("did not find expected comment or line break", start);
  cursor.skipBreak();
  return { chomping, increment };
}

function scanChomping(cursor: Cursor): Chomping {
  const code = cursor.code();
  if (code !== 0x2b && code !== 0x2d) return "clip";
  cursor.skip();
  return code === 0x2b ? "keep" : "strip";
}

function scanIncrement(cursor: Cursor, start: Mark): number {
  const code = cursor.code();
  if (!isDigit(code)) return 0;
  if (code === 0x30) cursor.fail("found an indentation indicator equal to 0", start);
  cursor.skip();
  return code - 0x30;
}

/** Eats indentation and empty lines. A `column` of 0 is not known yet: then the deepest of these lines sets it. */
function scanBreaks(cursor: Cursor, column: number, indent: number): { breaks: string; column: number } {
  let breaks = "";
  let deepest = 0;
  for (;;) {
    while ((column === 0 || cursor.column < column) && cursor.code() === SPACE) cursor.skip();
    deepest = Math.max(deepest, cursor.column);
    if ((column === 0 || cursor.column < column) && cursor.code() === TAB)
      cursor.fail("found a tab character where an indentation space is expected");
    if (!isBreak(cursor.code())) break;
    breaks += cursor.skipBreak();
  }
  return { breaks, column: column === 0 ? Math.max(deepest, indent + 1, 1) : column };
}
