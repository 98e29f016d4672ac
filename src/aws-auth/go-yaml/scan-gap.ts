import { isBlank, isBreak, TAB } from "./characters.ts";
import type { Cursor } from "./cursor.ts";

/** Blanks and line breaks between two pieces of a scalar, folded: one line break stands for a space. */
export interface Gap {
  readonly text: string;
  readonly brokeLine: boolean;
}

/**
 * Eats blanks and breaks. Blanks after the first break count for nothing; a single LF becomes a space, more of them
 * stay without the first; LS and PS stay. `afterBreak` says that a break was eaten before. No tab may stand at the
 * start of a line up to the column `indent`.
 */
export function scanGap(cursor: Cursor, afterBreak: boolean, indent = -1): Gap {
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
