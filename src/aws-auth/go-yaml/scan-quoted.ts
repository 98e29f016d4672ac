import { isBlankBreakOrEnd, isBreak, NUL } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import { scanGap } from "./scan-gap.ts";

/** Reads a quoted scalar; the cursor stands on its opening quote and ends behind its closing one. */
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
  /** It ended with an escaped line break, which stands for nothing. */
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

/** go-yaml v2 knows no `\/`, which YAML 1.2 and JSON have, and takes `\'`, which they have not. */
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
