import { behind, emptyScalar } from "./empty-scalar.ts";
import { failAt } from "./failure.ts";
import type { MappingNode, Pair, SequenceNode, YamlNode } from "./node.ts";
import type { NodeParser, Properties } from "./node-parser.ts";
import type { Mark, TokenType } from "./token.ts";

const SEQUENCE_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-sequence-end"]);
const SEQUENCE_KEY_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-sequence-end"]);
const MAPPING_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-mapping-end"]);
const MAPPING_KEY_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-mapping-end"]);

export function parseFlowSequence(parser: NodeParser, { outer, anchor }: Properties): SequenceNode {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const items: YamlNode[] = [];
  const marks: Mark[] = [];
  const node = parser.named({ kind: "sequence" as const, items, marks, flow: true, start, outer, end, anchor });
  while (scanner.peek().type !== "flow-sequence-end") {
    if (items.length > 0) {
      marks.push(takeComma(parser, "]"));
      if (scanner.peek().type === "flow-sequence-end") break;
    }
    items.push(scanner.peek().type === "key" ? parseSinglePair(parser) : parser.node(false));
  }
  node.end = scanner.take().end;
  return node;
}

/** `[a: b]`: a mapping of one pair, without braces. */
function parseSinglePair(parser: NodeParser): MappingNode {
  const { scanner } = parser;
  const { start } = scanner.take();
  // libyaml drops the token that stands in the place of a missing key, its `:` included. So does this.
  const isMissing = SEQUENCE_KEY_ENDS.has(scanner.peek().type);
  const key = isMissing ? emptyScalar(behind(scanner.take())) : parser.node(false);
  const value = parseValue(parser, SEQUENCE_VALUE_ENDS);
  return { kind: "mapping", pairs: [{ key, value }], flow: true, start, outer: start.at, end: value.end, anchor: null };
}

export function parseFlowMapping(parser: NodeParser, { outer, anchor }: Properties): MappingNode {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs: Pair[] = [];
  const node = parser.named({ kind: "mapping" as const, pairs, flow: true, start, outer, end, anchor });
  while (scanner.peek().type !== "flow-mapping-end") {
    if (pairs.length > 0) {
      takeComma(parser, "}");
      if (scanner.peek().type === "flow-mapping-end") break;
    }
    pairs.push(parsePair(parser));
  }
  node.end = scanner.take().end;
  return node;
}

function parsePair(parser: NodeParser): Pair {
  const { scanner } = parser;
  if (scanner.takeIf("key") === null) {
    const key = parser.node(false);
    return { key, value: emptyScalar(scanner.peek().start) };
  }
  const key = parser.nodeUnless(MAPPING_KEY_ENDS, false, scanner.peek().start);
  return { key, value: parseValue(parser, MAPPING_VALUE_ENDS) };
}

function parseValue(parser: NodeParser, ends: ReadonlySet<TokenType>): YamlNode {
  const { scanner } = parser;
  if (scanner.takeIf("value") === null) return emptyScalar(scanner.peek().start);
  return parser.nodeUnless(ends, false, scanner.peek().start);
}

function takeComma({ scanner }: NodeParser, close: string): Mark {
  const comma = scanner.takeIf("flow-entry") ?? failAt(`did not find expected ',' or '${close}'`, scanner.peek().start);
  return comma.start;
}
