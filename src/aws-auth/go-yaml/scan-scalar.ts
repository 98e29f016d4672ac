import {
  type Cursor,
  isBlank,
  isBlankBreakOrEnd,
  isBreak,
  isBreakOrEnd,
  isDigit,
  type Mark,
  NUL,
  SPACE,
  TAB,
} from "./cursor.ts";

/** Reads a quoted scalar; the cursor is at its opening quote, and then after its closing one. */
export function scanQuoted(cursor: Cursor, single: boolean): string {
  const start = cursor.mark();
  const quote = single ? 0x27 : 0x22;
  let value = "";
  cursor.skip();
  for (;;) {
    if (cursor.atDocumentIndicator()) cursor.fail("found unexpected document indicator", start);
    if (cursor.code() === NUL) cursor.fail("found unexpected end of stream", start);
    const run = single ? scanSingleRun(cursor) : scanDoubleRun(cursor);
    value += run.text;
    if (cursor.code() === quote) break;
    value += scanGap(cursor, run.brokeLine).text;
  }
  cursor.skip();
  return value;
}

interface Run {
  text: string;
  /** It ended with an escaped line break, which adds no text. */
  brokeLine: boolean;
}

function scanSingleRun(cursor: Cursor): Run {
  let text = "";
  let from = cursor.at;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code); code = cursor.code()) {
    if (code === 0x27) {
      if (cursor.code(1) !== 0x27) break;
      text += cursor.text.slice(from, cursor.at + 1);
      cursor.skip(2);
      from = cursor.at;
    } else {
      cursor.skip();
    }
  }
  return { text: text + cursor.text.slice(from, cursor.at), brokeLine: false };
}

function scanDoubleRun(cursor: Cursor): Run {
  let text = "";
  let from = cursor.at;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code) && code !== 0x22; code = cursor.code()) {
    if (code !== 0x5c) {
      cursor.skip();
      continue;
    }
    text += cursor.text.slice(from, cursor.at);
    if (isBreak(cursor.code(1))) {
      cursor.skip();
      cursor.skipBreak();
      return { text, brokeLine: true };
    }
    text += scanEscape(cursor);
    from = cursor.at;
  }
  return { text: text + cursor.text.slice(from, cursor.at), brokeLine: false };
}

/** go-yaml v2 knows no `\/`, which YAML 1.2 and JSON have, and accepts `\'`, which they have not. */
const ESCAPES = new Map<number, string>([
  [0x30, "\0"],
  [0x61, "\x07"],
  [0x62, "\b"],
  [0x74, "\t"],
  [0x09, "\t"],
  [0x6e, "\n"],
  [0x76, "\v"],
  [0x66, "\f"],
  [0x72, "\r"],
  [0x65, "\x1b"],
  [0x20, " "],
  [0x22, '"'],
  [0x27, "'"],
  [0x5c, "\\"],
  [0x4e, "\x85"],
  [0x5f, "\xa0"],
  [0x4c, "\u2028"],
  [0x50, "\u2029"],
]);

const HEX_LENGTHS = new Map<number, number>([
  [0x78, 2],
  [0x75, 4],
  [0x55, 8],
]);

function scanEscape(cursor: Cursor): string {
  const code = cursor.code(1);
  const known = ESCAPES.get(code);
  if (known !== undefined) {
    cursor.skip(2);
    return known;
  }
  const length = HEX_LENGTHS.get(code);
  if (length === undefined) return cursor.fail("found unknown escape character");
  cursor.skip(2);
  const digits = cursor.text.slice(cursor.at, cursor.at + length);
  if (!/^[0-9A-Fa-f]+$/.test(digits)) cursor.fail("did not find expected hexadecimal number");
  const value = Number.parseInt(digits, 16);
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    cursor.fail("found invalid Unicode character escape code");
  cursor.skip(length);
  return String.fromCodePoint(value);
}

interface BlockScalar {
  value: string;
  /** Offset after its last line, blank lines at its end included. */
  end: number;
}

type Chomping = "clip" | "keep" | "strip";

/** Reads a literal or folded scalar; the cursor is at its `|` or `>`. `indent` is the column of the collection around it. */
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
  cursor.skipHeaderEnd(start);
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

/** Skips indentation and empty lines. A `column` of 0 is still unknown: the deepest of these lines sets it. */
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

/** Blanks and line breaks between two pieces of a scalar, folded: one line break becomes a space. */
type Gap = { readonly text: string; readonly brokeLine: boolean };

/**
 * Skips blanks and breaks. Blanks after the first break do not count; a single LF becomes a space, several stay without the
 * first; LS and PS stay. `afterBreak`: a break was skipped before. A line can't start with a tab up to the column `indent`.
 */
function scanGap(cursor: Cursor, afterBreak: boolean, indent = -1): Gap {
  const start = cursor.at;
  let first = "";
  let more = "";
  let brokeLine = afterBreak;
  for (let code = cursor.code(); isBlank(code) || isBreak(code); code = cursor.code()) {
    if (isBlank(code)) {
      if (brokeLine && code === TAB && cursor.column <= indent)
        cursor.fail("found a tab character that violates indentation");
      cursor.skip();
    } else if (brokeLine) {
      more += cursor.skipBreak();
    } else {
      first = cursor.skipBreak();
      brokeLine = true;
    }
  }
  if (!brokeLine) return { text: cursor.text.slice(start, cursor.at), brokeLine };
  if (first === "\n") return { text: more === "" ? " " : more, brokeLine };
  return { text: first + more, brokeLine };
}

const NO_GAP: Gap = { text: "", brokeLine: false };

interface PlainScalar {
  value: string;
  end: number;
  /** Whether a line break followed it: a key can start at the cursor then. */
  brokeLine: boolean;
}

/** Reads a plain scalar. `indent` is the column of the collection around it, -1 at the root. */
export function scanPlain(cursor: Cursor, indent: number, inFlow: boolean): PlainScalar {
  let value = "";
  let end = cursor.at;
  let gap = NO_GAP;
  while (!cursor.atDocumentIndicator() && cursor.code() !== 0x23) {
    const from = cursor.at;
    skipRun(cursor, inFlow);
    if (cursor.at > from) {
      value += gap.text + cursor.text.slice(from, cursor.at);
      gap = NO_GAP;
      end = cursor.at;
    }
    const code = cursor.code();
    if (!isBlank(code) && !isBreak(code)) break;
    gap = scanGap(cursor, false, indent);
    if (!inFlow && cursor.column <= indent) break;
  }
  return { value, end, brokeLine: gap.brokeLine };
}

function skipRun(cursor: Cursor, inFlow: boolean): void {
  let length = 0;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code); code = cursor.code(length)) {
    if (code === 0x3a && isBlankBreakOrEnd(cursor.code(length + 1))) break;
    if (inFlow && endsInFlow(code)) break;
    length += 1;
  }
  cursor.skip(length);
}

/** `,` `?` `[` `]` `{` `}`: go-yaml v2 also stops at a question mark, anywhere in a plain scalar of a flow collection. */
function endsInFlow(code: number): boolean {
  return code === 0x2c || code === 0x3f || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}
