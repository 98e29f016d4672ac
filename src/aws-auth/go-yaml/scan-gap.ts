import { isBlank, isBreak } from "./characters.ts";
import type { Cursor } from "./cursor.ts";

/** Blanks and line breaks between two pieces of a scalar, folded: one line break stands for a space. */
export interface Gap {
  readonly text: string;
  readonly brokeLine: boolean;
}

/**
 * Eats blanks and breaks. Blanks after the first break count for nothing; a single LF becomes a space, more of them
 * stay without the first; LS and PS stay. `afterBreak` says that a break was eaten before; `onBlank` sees each blank.
 */
export function scanGap(cursor: Cursor, afterBreak: boolean, onBlank?: (brokeLine: boolean) => void): Gap {
  const start = cursor.at;
  let end = start;
  let first = "";
  let more = "";
  let brokeLine = afterBreak;
  for (let code = cursor.code(); isBlank(code) || isBreak(code); code = cursor.code()) {
    if (isBlank(code)) {
      onBlank?.(brokeLine);
      cursor.skip();
      if (!brokeLine) end = cursor.at;
    } else if (brokeLine) {
      more += cursor.skipBreak();
    } else {
      first = cursor.skipBreak();
      brokeLine = true;
    }
  }
  if (!brokeLine) return { text: cursor.text.slice(start, end), brokeLine };
  if (first === "\n") return { text: more === "" ? " " : more, brokeLine };
  return { text: first + more, brokeLine };
}
