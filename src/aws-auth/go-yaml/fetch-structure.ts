import { scanDirective } from "./scan-directive.ts";
import type { ScanState } from "./scan-state.ts";
import type { TokenType } from "./token.ts";

/** Tokens that give a document its structure. Each of these adds one, the cursor standing at its start. */

export function fetchEnd(state: ScanState): void {
  state.cursor.endLine();
  state.closeAll();
  state.addIndicator("stream-end", 0);
}

export function fetchDirective(state: ScanState): void {
  state.closeAll();
  const start = state.cursor.mark();
  const { type, value, prefix } = scanDirective(state.cursor);
  state.tokens.add(type, start, state.cursor.at, value, "plain", prefix);
}

export function fetchDocumentIndicator(state: ScanState, type: TokenType): void {
  state.closeAll();
  state.addIndicator(type, 3);
}

export function fetchFlowStart(state: ScanState, type: TokenType): void {
  state.saveKey();
  state.keys.deepen(state.tokens.next);
  state.keyAllowed = true;
  state.addIndicator(type);
}

export function fetchFlowEnd(state: ScanState, type: TokenType): void {
  state.keys.remove(state.cursor);
  state.keys.surface();
  state.keyAllowed = false;
  state.addIndicator(type);
}

export function fetchFlowEntry(state: ScanState): void {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("flow-entry");
}

export function fetchBlockEntry(state: ScanState): void {
  state.openBlock("block-sequence-start", "block sequence entries are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("block-entry");
}

export function fetchKey(state: ScanState): void {
  state.openBlock("block-mapping-start", "mapping keys are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = state.inBlock;
  state.addIndicator("key");
}

/** A `:`. What may have begun a key has begun one: its token, and that of the mapping, are put in before it. */
export function fetchValue(state: ScanState): void {
  const { cursor, tokens } = state;
  const key = state.keys.takeValid(cursor);
  if (key === null) {
    state.openBlock("block-mapping-start", "mapping values are not allowed in this context");
  } else {
    tokens.insert("key", key.mark, key.token);
    if (state.inBlock) state.indents.open("block-mapping-start", key.mark, key.token, tokens);
  }
  state.keyAllowed = key === null && state.inBlock;
  state.addIndicator("value");
}
