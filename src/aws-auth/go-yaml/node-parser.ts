import { finish, type ReadingBudget, type Steps } from "./budget.ts";
import { failAt, type Mark, type Token, type TokenType, YamlExcess } from "./cursor.ts";
import {
  type Draft,
  emptyScalar,
  type MappingNode,
  markAfter,
  type Pair,
  type SequenceNode,
  YAML_TAG,
  type YamlNode,
} from "./node.ts";

const SEQUENCE_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-sequence-end"]);

const SEQUENCE_KEY_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-sequence-end"]);

const MAPPING_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-mapping-end"]);

const MAPPING_KEY_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-mapping-end"]);

const ITEM_ENDS: ReadonlySet<TokenType> = new Set(["block-entry", "block-end"]);

const INDENTLESS_ITEM_ENDS: ReadonlySet<TokenType> = new Set(["block-entry", "block-end", "key", "value"]);

const PAIR_ENDS: ReadonlySet<TokenType> = new Set(["key", "value", "block-end"]);

/** The deepest nesting that is read. No real document comes near it, and a deeper one would exhaust the stack. */
const DEPTH = 500;

export interface Properties {
  readonly outer: number;
  readonly end: number;
  readonly anchor: string | null;
  readonly tag: string;
}

/** Tokens, one at a time: the scanner makes no more than the parser needs. */
export interface Tokens {
  peek(): Token;
  take(): Token;
  takeIf(type: TokenType): Token | null;
}

/** Makes nodes from tokens by libyaml's grammar: it accepts and refuses the same. */
export class NodeParser {
  readonly scanner: Tokens;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #handles = new Map<string, string>();
  readonly #budget: ReadingBudget;
  #depth = 0;

  constructor(scanner: Tokens, budget: ReadingBudget) {
    this.scanner = scanner;
    this.#budget = budget;
  }

  openDocument(): void {
    let versions = 0;
    for (let token = this.scanner.take(); token.type !== "document-start"; token = this.scanner.take()) {
      if (token.type === "version-directive") {
        versions += 1;
        if (versions > 1) failAt("found duplicate %YAML directive", token.start);
        if (token.value !== "1.1") failAt("found incompatible YAML document", token.start);
      } else if (token.type === "tag-directive") {
        if (this.#handles.has(token.value)) failAt("found duplicate %TAG directive", token.start);
        this.#handles.set(token.value, token.suffix);
      } else {
        failAt("did not find expected <document start>", token.start);
      }
    }
  }

  /** The root of the document: pauses after each item of a list. */
  *root(): Steps<YamlNode> {
    const first = this.#enter();
    const properties = this.#properties(first);
    const { type } = this.scanner.peek();
    let node: YamlNode;
    if (type === "flow-sequence-start") node = yield* this.#itemByItem(parseFlowSequence(this, properties));
    else if (type === "block-sequence-start")
      node = yield* this.#itemByItem(parseBlockSequence(this, properties, false));
    else node = this.#content(first, properties, false);
    this.#depth -= 1;
    return node;
  }

  *#itemByItem(list: Steps<SequenceNode>): Steps<SequenceNode> {
    let step = list.next();
    for (; step.done !== true; step = list.next()) {
      this.#budget.nextItem();
      yield;
    }
    return step.value;
  }

  /** Only the key or value of a block mapping can be a list in the column of its key. */
  node(mayBeIndentless: boolean): YamlNode {
    const first = this.#enter();
    const node = this.#content(first, this.#properties(first), mayBeIndentless);
    this.#depth -= 1;
    return node;
  }

  #enter(): Token {
    this.#depth += 1;
    const first = this.scanner.peek();
    if (this.#depth > DEPTH)
      throw new YamlExcess(`is nested deeper than ${DEPTH} levels`, first.start.line, first.start.column);
    this.#budget.spend(first);
    return first;
  }

  nodeUnless(ends: ReadonlySet<TokenType>, mayBeIndentless: boolean, empty: Mark): YamlNode {
    if (!ends.has(this.scanner.peek().type)) return this.node(mayBeIndentless);
    this.#budget.spend({ start: empty });
    return emptyScalar(empty);
  }

  /** Registers a node under its anchor. Collections are registered before they are filled: they can contain themselves. */
  named<T extends YamlNode>(node: T): T {
    if (node.anchor !== null) this.#anchors.set(node.anchor, node);
    return node;
  }

  #alias(): YamlNode {
    const { value: name, start, end } = this.scanner.take();
    const target = this.#anchors.get(name);
    if (target === undefined) return failAt(`unknown anchor '${name}' referenced`, start);
    return { kind: "alias", name, target, start, outer: start.at, end, anchor: null };
  }

  #content(first: Token, properties: Properties, mayBeIndentless: boolean): YamlNode {
    if (first.type === "alias") return this.#alias();
    const { type, start } = this.scanner.peek();
    if (type === "scalar") return this.#scalar(properties);
    if (type === "flow-sequence-start") return finish(parseFlowSequence(this, properties));
    if (type === "flow-mapping-start") return parseFlowMapping(this, properties);
    if (type === "block-entry" && mayBeIndentless) return finish(parseBlockSequence(this, properties, true));
    if (type === "block-sequence-start") return finish(parseBlockSequence(this, properties, false));
    if (type === "block-mapping-start") return parseBlockMapping(this, properties);
    if (properties.anchor === null && properties.tag === "") return failAt("did not find expected node content", start);
    return this.named({ ...emptyScalar(first.start), ...properties, implicit: properties.tag === "" });
  }

  /** An anchor and a tag, in either order, each at most once. */
  #properties(first: Token): Properties {
    const outer = first.start.at;
    if (first.type !== "anchor" && first.type !== "tag") return { outer, end: outer, anchor: null, tag: "" };
    let anchor = this.scanner.takeIf("anchor");
    const tag = this.scanner.takeIf("tag");
    anchor ??= this.scanner.takeIf("anchor");
    const end = Math.max(outer, anchor?.end ?? 0, tag?.end ?? 0);
    return { outer, end, anchor: anchor?.value ?? null, tag: tag === null ? "" : this.#resolveTag(tag) };
  }

  #resolveTag({ value: handle, suffix, start }: Token): string {
    if (handle === "") return suffix;
    const prefix = this.#handles.get(handle) ?? (handle === "!" ? "!" : handle === "!!" ? YAML_TAG : "");
    return prefix === "" ? failAt("found undefined tag handle", start) : prefix + suffix;
  }

  #scalar({ outer, anchor, tag }: Properties): YamlNode {
    const { value, style, start, end } = this.scanner.take();
    const implicit = (tag === "" && style === "plain") || tag === "!";
    return this.named({ kind: "scalar", value, tag, style, implicit, start, outer, end, anchor });
  }
}

/** An array that grew has room for many more: in a large document that is a third of all memory. */
function trimmed(node: Draft<SequenceNode>): SequenceNode {
  node.items = node.items.slice();
  node.marks = node.marks.slice();
  return node;
}

/** A list of `- ` items. An indentless one is in the column of its key, and no tokens enclose it. */
function* parseBlockSequence(parser: NodeParser, properties: Properties, isIndentless: boolean): Steps<SequenceNode> {
  const { scanner } = parser;
  const { start, end } = isIndentless ? scanner.peek() : scanner.take();
  const items: YamlNode[] = [];
  const marks: Mark[] = [];
  const { outer, anchor } = properties;
  const node: Draft<SequenceNode> = { kind: "sequence", items, marks, flow: false, start, outer, end, anchor };
  parser.named(node);
  for (let dash = scanner.takeIf("block-entry"); dash !== null; dash = scanner.takeIf("block-entry")) {
    const item = parser.nodeUnless(isIndentless ? INDENTLESS_ITEM_ENDS : ITEM_ENDS, false, markAfter(dash));
    marks.push(dash.start);
    items.push(item);
    node.end = item.end;
    yield;
  }
  if (!isIndentless && scanner.takeIf("block-end") === null)
    failAt("did not find expected '-' indicator", scanner.peek().start);
  return trimmed(node);
}

function parseBlockMapping(parser: NodeParser, { outer, anchor }: Properties): MappingNode {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs: Pair[] = [];
  const node: Draft<MappingNode> = { kind: "mapping", pairs, flow: false, start, outer, end, anchor };
  parser.named(node);
  for (let token = scanner.take(); token.type !== "block-end"; token = scanner.take()) {
    if (token.type !== "key") failAt("did not find expected key", token.start);
    const key = parser.nodeUnless(PAIR_ENDS, true, markAfter(token));
    const value = parseValue(parser, key.end);
    pairs.push({ key, value });
    node.end = value.end;
  }
  node.pairs = pairs.slice();
  return node;
}

function parseValue(parser: NodeParser, keyEnd: number): YamlNode {
  const colon = parser.scanner.takeIf("value");
  // Without a `:` the empty value follows its key directly.
  if (colon === null) return emptyScalar({ ...parser.scanner.peek().start, at: keyEnd });
  return parser.nodeUnless(PAIR_ENDS, true, markAfter(colon));
}

function* parseFlowSequence(parser: NodeParser, { outer, anchor }: Properties): Steps<SequenceNode> {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const items: YamlNode[] = [];
  const marks: Mark[] = [];
  const node: Draft<SequenceNode> = { kind: "sequence", items, marks, flow: true, start, outer, end, anchor };
  parser.named(node);
  while (scanner.peek().type !== "flow-sequence-end") {
    if (items.length > 0) {
      marks.push(takeComma(parser, "]"));
      if (scanner.peek().type === "flow-sequence-end") break;
    }
    items.push(scanner.peek().type === "key" ? parseSinglePair(parser) : parser.node(false));
    yield;
  }
  node.end = scanner.take().end;
  return trimmed(node);
}

/** `[a: b]`: a mapping of one pair, without braces. */
function parseSinglePair(parser: NodeParser): MappingNode {
  const { scanner } = parser;
  const { start } = scanner.take();
  // libyaml drops the token in the place of a missing key, its `:` included. So does this.
  const isMissing = SEQUENCE_KEY_ENDS.has(scanner.peek().type);
  const key = isMissing ? emptyScalar(markAfter(scanner.take())) : parser.node(false);
  const value = parseFlowValue(parser, SEQUENCE_VALUE_ENDS);
  return { kind: "mapping", pairs: [{ key, value }], flow: true, start, outer: start.at, end: value.end, anchor: null };
}

function parseFlowMapping(parser: NodeParser, { outer, anchor }: Properties): MappingNode {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs: Pair[] = [];
  const node: Draft<MappingNode> = { kind: "mapping", pairs, flow: true, start, outer, end, anchor };
  parser.named(node);
  while (scanner.peek().type !== "flow-mapping-end") {
    if (pairs.length > 0) {
      takeComma(parser, "}");
      if (scanner.peek().type === "flow-mapping-end") break;
    }
    pairs.push(parsePair(parser));
  }
  node.end = scanner.take().end;
  node.pairs = pairs.slice();
  return node;
}

function parsePair(parser: NodeParser): Pair {
  const { scanner } = parser;
  if (scanner.takeIf("key") === null) {
    return { key: parser.node(false), value: emptyScalar(scanner.peek().start) };
  }
  const key = parser.nodeUnless(MAPPING_KEY_ENDS, false, scanner.peek().start);
  return { key, value: parseFlowValue(parser, MAPPING_VALUE_ENDS) };
}

function parseFlowValue(parser: NodeParser, ends: ReadonlySet<TokenType>): YamlNode {
  const { scanner } = parser;
  if (scanner.takeIf("value") === null) return emptyScalar(scanner.peek().start);
  return parser.nodeUnless(ends, false, scanner.peek().start);
}

function takeComma({ scanner }: NodeParser, close: string): Mark {
  const comma = scanner.takeIf("flow-entry") ?? failAt(`did not find expected ',' or '${close}'`, scanner.peek().start);
  return comma.start;
}
