import { scanBlockScalar } from "./scan-block-scalar.ts";
import { scanPlain } from "./scan-plain.ts";
import { scanAnchor, scanTag } from "./scan-property.ts";
import { scanQuoted } from "./scan-quoted.ts";
import type { ScanState } from "./scan-state.ts";

/** Scalars and their properties. Each of these adds one token, the cursor standing at its start. */

export function fetchName(state: ScanState, type: "alias" | "anchor"): void {
  const start = state.startContent();
  const name = scanAnchor(state.cursor);
  state.tokens.add(type, start, state.cursor.at, name);
}

export function fetchTag(state: ScanState): void {
  const start = state.startContent();
  const { handle, suffix } = scanTag(state.cursor);
  state.tokens.add("tag", start, state.cursor.at, handle, "plain", suffix);
}

export function fetchQuoted(state: ScanState, style: "single" | "double"): void {
  const start = state.startContent();
  const value = scanQuoted(state.cursor, style === "single");
  state.tokens.add("scalar", start, state.cursor.at, value, style);
}

export function fetchPlain(state: ScanState): void {
  const start = state.startContent();
  const { value, end, brokeLine } = scanPlain(state.cursor, state.indents.column, !state.inBlock);
  if (brokeLine) state.keyAllowed = true;
  state.tokens.add("scalar", start, end, value);
}

/** A block scalar is no key, and ends at the start of a line, where a key may follow. */
export function fetchBlockScalar(state: ScanState, style: "literal" | "folded"): void {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  const start = state.cursor.mark();
  const { value, end } = scanBlockScalar(state.cursor, style === "literal", state.indents.column);
  state.tokens.add("scalar", start, end, value, style);
}
