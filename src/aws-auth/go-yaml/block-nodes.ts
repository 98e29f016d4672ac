import { behind, emptyScalar } from "./empty-scalar.ts";
import { failAt } from "./failure.ts";
import type { MappingNode, Pair, SequenceNode, YamlNode } from "./node.ts";
import type { NodeParser, Properties } from "./node-parser.ts";
import type { Mark, TokenType } from "./token.ts";

const ITEM_ENDS: ReadonlySet<TokenType> = new Set(["block-entry", "block-end"]);
const INDENTLESS_ITEM_ENDS: ReadonlySet<TokenType> = new Set(["block-entry", "block-end", "key", "value"]);
const PAIR_ENDS: ReadonlySet<TokenType> = new Set(["key", "value", "block-end"]);

/** A list of `- ` items. An indentless one stands in the column of its key, and has no tokens of its own around it. */
export function parseBlockSequence(parser: NodeParser, properties: Properties, isIndentless: boolean): SequenceNode {
  const { scanner } = parser;
  const { start, end } = isIndentless ? scanner.peek() : scanner.take();
  const items: YamlNode[] = [];
  const marks: Mark[] = [];
  const { outer, anchor } = properties;
  const node = parser.named({ kind: "sequence" as const, items, marks, flow: false, start, outer, end, anchor });
  for (let dash = scanner.takeIf("block-entry"); dash !== null; dash = scanner.takeIf("block-entry")) {
    const item = parser.nodeUnless(isIndentless ? INDENTLESS_ITEM_ENDS : ITEM_ENDS, false, behind(dash));
    marks.push(dash.start);
    items.push(item);
    node.end = item.end;
  }
  if (!isIndentless && scanner.takeIf("block-end") === null)
    failAt("did not find expected '-' indicator", scanner.peek().start);
  return node;
}

export function parseBlockMapping(parser: NodeParser, { outer, anchor }: Properties): MappingNode {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs: Pair[] = [];
  const node = parser.named({ kind: "mapping" as const, pairs, flow: false, start, outer, end, anchor });
  for (let token = scanner.take(); token.type !== "block-end"; token = scanner.take()) {
    if (token.type !== "key") failAt("did not find expected key", token.start);
    const key = parser.nodeUnless(PAIR_ENDS, true, behind(token));
    const value = parseValue(parser, key.end);
    pairs.push({ key, value });
    node.end = value.end;
  }
  return node;
}

function parseValue(parser: NodeParser, keyEnd: number): YamlNode {
  const colon = parser.scanner.takeIf("value");
  // Without a `:` the value stands behind its key, and not before whatever comes next.
  if (colon === null) return emptyScalar({ ...parser.scanner.peek().start, at: keyEnd });
  return parser.nodeUnless(PAIR_ENDS, true, behind(colon));
}
