import { isBlank, isBlankBreakOrEnd, isBreak } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import { type Gap, scanGap } from "./scan-gap.ts";

export interface PlainScalar {
  value: string;
  /** Offset behind its last unit. */
  end: number;
  /** A line break followed it, so that a key may start where the cursor is now. */
  brokeLine: boolean;
}

const NO_GAP: Gap = { text: "", brokeLine: false };

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

/** `,` `?` `[` `]` `{` `}`: go-yaml v2 stops at a question mark too, anywhere in a plain scalar of a flow collection. */
function endsInFlow(code: number): boolean {
  return code === 0x2c || code === 0x3f || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}
