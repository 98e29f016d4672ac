import { parseBlockMapping, parseBlockSequence } from "./block-nodes.ts";
import { emptyScalar } from "./empty-scalar.ts";
import { failAt, YamlExcess } from "./failure.ts";
import { parseFlowMapping, parseFlowSequence } from "./flow-nodes.ts";
import { YAML_TAG, type YamlNode } from "./node.ts";
import type { ReadingBudget } from "./reading-budget.ts";
import type { Scanner } from "./scanner.ts";
import type { Mark, Token, TokenType } from "./token.ts";

/** Deeper than this nothing is read: no real document comes near it, and a deeper one would exhaust the stack. */
const DEPTH = 500;

/** What stands before the content of a node. */
export interface Properties {
  /** Offset at which the node begins. */
  readonly outer: number;
  /** Offset behind the anchor and the tag. */
  readonly end: number;
  readonly anchor: string | null;
  readonly tag: string;
}

/** Makes nodes from tokens, by libyaml's grammar: what it takes and refuses, this takes and refuses. */
export class NodeParser {
  readonly scanner: Scanner;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #handles = new Map<string, string>();
  readonly #budget: ReadingBudget;
  #depth = 0;

  constructor(scanner: Scanner, budget: ReadingBudget) {
    this.scanner = scanner;
    this.#budget = budget;
  }

  /** Takes the directives and the `---` of an explicit document. */
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

  /** The node that begins with the next token. Only the key or value of a block mapping may be a list in the column of its key. */
  node(mayBeIndentless: boolean): YamlNode {
    this.#depth += 1;
    const first = this.scanner.peek();
    if (this.#depth > DEPTH)
      throw new YamlExcess(`is nested deeper than ${DEPTH} levels`, first.start.line, first.start.column);
    this.#budget.spend(first);
    const node = first.type === "alias" ? this.#alias() : this.#content(first, mayBeIndentless);
    this.#depth -= 1;
    return node;
  }

  /** The next node, or what stands where none was written, if the next token is one of these. */
  nodeUnless(ends: ReadonlySet<TokenType>, mayBeIndentless: boolean, empty: Mark): YamlNode {
    if (!ends.has(this.scanner.peek().type)) return this.node(mayBeIndentless);
    this.#budget.spend({ start: empty });
    return emptyScalar(empty);
  }

  /** Makes a node known by its anchor. Collections are named before they are filled: they may hold themselves. */
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

  #content(first: Token, mayBeIndentless: boolean): YamlNode {
    const properties = this.#properties(first);
    const { type, start } = this.scanner.peek();
    if (type === "scalar") return this.#scalar(properties);
    if (type === "flow-sequence-start") return parseFlowSequence(this, properties);
    if (type === "flow-mapping-start") return parseFlowMapping(this, properties);
    if (type === "block-entry" && mayBeIndentless) return parseBlockSequence(this, properties, true);
    if (type === "block-sequence-start") return parseBlockSequence(this, properties, false);
    if (type === "block-mapping-start") return parseBlockMapping(this, properties);
    if (properties.anchor === null && properties.tag === "") return failAt("did not find expected node content", start);
    return this.named({ ...emptyScalar(first.start), ...properties, implicit: properties.tag === "" });
  }

  /** An anchor and a tag, in either order, each at most once. */
  #properties(first: Token): Properties {
    let anchor = this.scanner.takeIf("anchor");
    const tag = this.scanner.takeIf("tag");
    anchor ??= this.scanner.takeIf("anchor");
    const outer = first.start.at;
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
