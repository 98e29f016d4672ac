import type { ScalarNode } from "./node.ts";
import type { Mark, Token } from "./token.ts";

/** What stands where nothing was written: null, to every reader. */
export function emptyScalar(start: Mark): ScalarNode {
  const empty = { value: "", tag: "", style: "plain", implicit: true } as const;
  return { kind: "scalar", ...empty, start, outer: start.at, end: start.at, anchor: null };
}

/** The place behind a token of one line. */
export function behind({ start, end }: Token): Mark {
  return { at: end, line: start.line, column: start.column + end - start.at };
}
