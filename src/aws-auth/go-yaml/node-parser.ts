import { YamlFailure } from "./failure.ts";
import type { MappingNode, Pair, ScalarNode, SequenceNode, YamlNode } from "./node.ts";
import type { Scanner } from "./scanner.ts";
import type { Mark, Token, TokenType } from "./token.ts";

/** Deeper than this nothing is read: no real document comes near it, and a deeper one would exhaust the stack. */
const DEPTH = 500;

const YAML_TAG = "tag:yaml.org,2002:";

/** What stands before the content of a node. */
interface Properties {
  outer: number;
  anchor: string | null;
  tag: string;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Makes nodes from tokens, by libyaml's grammar: what it takes and refuses, this takes and refuses. */
export class NodeParser {
  readonly #scanner: Scanner;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #handles = new Map<string, string>();
  #depth = 0;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  /** Takes the directives and the `---` of an explicit document. */
  openDocument(): void {
    let versions = 0;
    for (let token = this.#scanner.peek(); token.type.endsWith("-directive"); token = this.#scanner.peek()) {
      if (token.type === "version-directive") {
        versions += 1;
        if (versions > 1) fail("found duplicate %YAML directive", token.start);
        if (token.value !== "1.1") fail("found incompatible YAML document", token.start);
      } else {
        if (this.#handles.has(token.value)) fail("found duplicate %TAG directive", token.start);
        this.#handles.set(token.value, token.suffix);
      }
      this.#scanner.take();
    }
    const start = this.#scanner.take();
    if (start.type !== "document-start") fail("did not find expected <document start>", start.start);
  }

  /** A node in block context. */
  block(): YamlNode {
    return this.#node(true, false);
  }

  #node(inBlock: boolean, mayBeIndentless: boolean): YamlNode {
    this.#depth += 1;
    const first = this.#scanner.peek();
    if (this.#depth > DEPTH) fail(`nested deeper than ${DEPTH} levels`, first.start);
    const node = first.type === "alias" ? this.#alias() : this.#content(inBlock, mayBeIndentless);
    this.#depth -= 1;
    return node;
  }

  #alias(): YamlNode {
    const { value: name, start, end } = this.#scanner.take();
    const target = this.#anchors.get(name);
    if (target === undefined) return fail(`unknown anchor '${name}' referenced`, start);
    return { kind: "alias", name, target, start, outer: start.at, end, anchor: null };
  }

  #content(inBlock: boolean, mayBeIndentless: boolean): YamlNode {
    const first = this.#scanner.peek();
    const properties = this.#properties();
    const token = this.#scanner.peek();
    if (mayBeIndentless && token.type === "block-entry") return this.#blockSequence(token, properties, true);
    if (token.type === "scalar") return this.#scalar(properties);
    if (token.type === "flow-sequence-start") return this.#flowSequence(properties);
    if (token.type === "flow-mapping-start") return this.#flowMapping(properties);
    if (inBlock && token.type === "block-sequence-start") {
      this.#scanner.take();
      return this.#blockSequence(token, properties, false);
    }
    if (inBlock && token.type === "block-mapping-start") return this.#blockMapping(properties);
    if (properties.anchor === null && properties.tag === "")
      return fail("did not find expected node content", token.start);
    return this.#named({
      ...emptyScalar(first.start),
      outer: properties.outer,
      anchor: properties.anchor,
      tag: properties.tag,
      implicit: properties.tag === "",
    });
  }

  /** An anchor and a tag, in either order, each at most once. */
  #properties(): Properties {
    const outer = this.#scanner.peek().start.at;
    const first = this.#takeIf("anchor") ?? this.#takeIf("tag");
    const second = first === null ? null : this.#takeIf(first.type === "anchor" ? "tag" : "anchor");
    const tag = first?.type === "tag" ? first : second?.type === "tag" ? second : null;
    const anchor = first?.type === "anchor" ? first : second?.type === "anchor" ? second : null;
    return { outer, anchor: anchor?.value ?? null, tag: tag === null ? "" : this.#resolveTag(tag) };
  }

  #resolveTag(token: Token): string {
    if (token.value === "") return token.suffix;
    const prefix = this.#handles.get(token.value) ?? (token.value === "!" ? "!" : token.value === "!!" ? YAML_TAG : "");
    if (prefix === "") fail("found undefined tag handle", token.start);
    return prefix + token.suffix;
  }

  #takeIf(type: TokenType): Token | null {
    return this.#scanner.peek().type === type ? this.#scanner.take() : null;
  }

  /** Makes the node known by its anchor. Collections are named before they are filled: they may hold themselves. */
  #named<T extends YamlNode>(node: T): T {
    if (node.anchor !== null) this.#anchors.set(node.anchor, node);
    return node;
  }

  #scalar({ outer, anchor, tag }: Properties): YamlNode {
    const { value, style, start, end } = this.#scanner.take();
    const implicit = (tag === "" && style === "plain") || tag === "!";
    return this.#named({ kind: "scalar", value, tag, style, implicit, start, outer, end, anchor });
  }

  #blockSequence(first: Token, { outer, anchor }: Properties, indentless: boolean): YamlNode {
    const items: YamlNode[] = [];
    const marks: Mark[] = [];
    const node: Draft<SequenceNode> = {
      kind: "sequence",
      items,
      marks,
      flow: false,
      start: first.start,
      outer,
      end: first.end,
      anchor,
    };
    this.#named(node);
    for (let dash = this.#takeIf("block-entry"); dash !== null; dash = this.#takeIf("block-entry")) {
      const { type } = this.#scanner.peek();
      const isEmpty =
        type === "block-entry" || type === "block-end" || (indentless && (type === "key" || type === "value"));
      const item = isEmpty ? emptyScalar(behind(dash)) : this.#node(true, false);
      marks.push(dash.start);
      items.push(item);
      node.end = item.end;
    }
    if (!indentless && this.#takeIf("block-end") === null)
      fail("did not find expected '-' indicator", this.#scanner.peek().start);
    return node;
  }

  #blockMapping({ outer, anchor }: Properties): YamlNode {
    const { start, end } = this.#scanner.take();
    const pairs: Pair[] = [];
    const node: Draft<MappingNode> = { kind: "mapping", pairs, flow: false, start, outer, end, anchor };
    this.#named(node);
    for (let token = this.#scanner.take(); token.type !== "block-end"; token = this.#scanner.take()) {
      if (token.type !== "key") fail("did not find expected key", token.start);
      const key = this.#unlessNext(BLOCK_PAIR_ENDS, behind(token), () => this.#node(true, true));
      const value = this.#blockValue();
      pairs.push({ key, value });
      node.end = value.end;
    }
    return node;
  }

  #blockValue(): YamlNode {
    const colon = this.#takeIf("value");
    if (colon === null) return emptyScalar(this.#scanner.peek().start);
    return this.#unlessNext(BLOCK_PAIR_ENDS, behind(colon), () => this.#node(true, true));
  }

  #flowSequence({ outer, anchor }: Properties): YamlNode {
    const { start, end } = this.#scanner.take();
    const items: YamlNode[] = [];
    const marks: Mark[] = [];
    const node: Draft<SequenceNode> = { kind: "sequence", items, marks, flow: true, start, outer, end, anchor };
    this.#named(node);
    while (this.#scanner.peek().type !== "flow-sequence-end") {
      if (items.length > 0) {
        marks.push(this.#comma("]").start);
        if (this.#scanner.peek().type === "flow-sequence-end") break;
      }
      items.push(this.#scanner.peek().type === "key" ? this.#flowPair() : this.#node(false, false));
    }
    node.end = this.#scanner.take().end;
    return node;
  }

  /** `[a: b]`: a mapping of one pair, without braces. */
  #flowPair(): YamlNode {
    const { start } = this.#scanner.take();
    const next = this.#scanner.peek();
    // libyaml drops the token that stands in for a missing key, its `:` included. So does this.
    const key = FLOW_PAIR_ENDS.has(next.type) ? emptyScalar(behind(this.#scanner.take())) : this.#node(false, false);
    const value = this.#flowValue(SEQUENCE_VALUE_ENDS);
    return {
      kind: "mapping",
      pairs: [{ key, value }],
      flow: true,
      start,
      outer: start.at,
      end: value.end,
      anchor: null,
    };
  }

  #flowMapping({ outer, anchor }: Properties): YamlNode {
    const { start, end } = this.#scanner.take();
    const pairs: Pair[] = [];
    const node: Draft<MappingNode> = { kind: "mapping", pairs, flow: true, start, outer, end, anchor };
    this.#named(node);
    while (this.#scanner.peek().type !== "flow-mapping-end") {
      if (pairs.length > 0) {
        this.#comma("}");
        if (this.#scanner.peek().type === "flow-mapping-end") break;
      }
      pairs.push(this.#flowMappingPair());
    }
    node.end = this.#scanner.take().end;
    return node;
  }

  #flowMappingPair(): Pair {
    if (this.#takeIf("key") === null) {
      const key = this.#node(false, false);
      return { key, value: emptyScalar(this.#scanner.peek().start) };
    }
    const key = this.#unlessNext(MAPPING_KEY_ENDS, this.#scanner.peek().start, () => this.#node(false, false));
    return { key, value: this.#flowValue(MAPPING_VALUE_ENDS) };
  }

  #flowValue(ends: ReadonlySet<TokenType>): YamlNode {
    if (this.#takeIf("value") === null) return emptyScalar(this.#scanner.peek().start);
    return this.#unlessNext(ends, this.#scanner.peek().start, () => this.#node(false, false));
  }

  #comma(close: string): Token {
    return this.#takeIf("flow-entry") ?? fail(`did not find expected ',' or '${close}'`, this.#scanner.peek().start);
  }

  #unlessNext(ends: ReadonlySet<TokenType>, mark: Mark, read: () => YamlNode): YamlNode {
    return ends.has(this.#scanner.peek().type) ? emptyScalar(mark) : read();
  }
}

const BLOCK_PAIR_ENDS: ReadonlySet<TokenType> = new Set(["key", "value", "block-end"]);
const SEQUENCE_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-sequence-end"]);
const MAPPING_VALUE_ENDS: ReadonlySet<TokenType> = new Set(["flow-entry", "flow-mapping-end"]);
const MAPPING_KEY_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-mapping-end"]);
const FLOW_PAIR_ENDS: ReadonlySet<TokenType> = new Set(["value", "flow-entry", "flow-sequence-end"]);

/** What stands where nothing was written: null, to every reader. */
export function emptyScalar(start: Mark): ScalarNode {
  return {
    kind: "scalar",
    value: "",
    tag: "",
    style: "plain",
    implicit: true,
    start,
    outer: start.at,
    end: start.at,
    anchor: null,
  };
}

/** The place behind a token of one unit. */
function behind(token: Token): Mark {
  return { at: token.end, line: token.start.line, column: token.start.column + token.end - token.start.at };
}

function fail(problem: string, mark: Mark): never {
  throw new YamlFailure(problem, mark.line, mark.column);
}
