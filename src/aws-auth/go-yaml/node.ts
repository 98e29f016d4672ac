import type { Mark, ScalarStyle, Token } from "./cursor.ts";
import type { ScalarValue } from "./resolve-plain.ts";

/** The beginning of the tags of YAML's own types. */
export const YAML_TAG = "tag:yaml.org,2002:";

interface NodeBase {
  /** Where its content starts: after its anchor and tag. */
  readonly start: Mark;
  /** Offset at which the node begins, its anchor and tag included. */
  readonly outer: number;
  /** Offset after its last unit; for a block collection, after the last unit of its last child. */
  readonly end: number;
  readonly anchor: string | null;
}

export interface ScalarNode extends NodeBase {
  readonly kind: "scalar";
  readonly value: string;
  /** In its long form, or "" if none is written. */
  readonly tag: string;
  readonly style: ScalarStyle;
  /** Written plain, or tagged with a bare `!`: its text decides its type. */
  readonly implicit: boolean;
}

export interface SequenceNode extends NodeBase {
  readonly kind: "sequence";
  readonly items: readonly YamlNode[];
  readonly flow: boolean;
  /** The place of each item's `-` in block style, of each comma in flow style. */
  readonly marks: readonly Mark[];
}

export interface Pair {
  readonly key: YamlNode;
  readonly value: YamlNode;
}

export interface MappingNode extends NodeBase {
  readonly kind: "mapping";
  readonly pairs: readonly Pair[];
  readonly flow: boolean;
}

interface AliasNode extends NodeBase {
  readonly kind: "alias";
  readonly name: string;
  /** Its target. It can contain the alias itself, so a decoder must check. */
  readonly target: YamlNode;
}

export type YamlNode = ScalarNode | SequenceNode | MappingNode | AliasNode;

export interface YamlDocument {
  /** Null: the text has no document. */
  readonly root: YamlNode | null;
  /** The start of text after the first document, which no reader sees; null: there is none. */
  readonly dropped: Mark | null;
}

interface ValueOf<Node extends YamlNode> {
  /** Where it is written; for an alias, where its target is written. */
  readonly node: Node;
}

export interface Field {
  readonly key: YamlNode;
  readonly value: YamlValue;
  /** The value as written after the key, which can be an alias. */
  readonly written: YamlNode;
  /** Whether it came by `<<`: it is not written in this mapping then. */
  readonly merged: boolean;
}

export interface MapValue extends ValueOf<MappingNode> {
  readonly type: "map";
  /** Fields with text as key, in the order of their first use. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Fields that a later field with the same key replaces; null: none, as nearly always. */
  readonly overwritten: readonly (Field & { readonly name: string })[] | null;
  /** Values under keys that are not text, by Go's form of the key: nothing reads them, but they must fit JSON. Null as above. */
  readonly others: ReadonlyMap<unknown, YamlValue> | null;
  /** A key that JSON can't represent, or null. */
  readonly unfitKey: YamlNode | null;
}

interface ListValue extends ValueOf<SequenceNode> {
  readonly type: "list";
  readonly items: readonly YamlValue[];
}

export type YamlValue = MapValue | ListValue | (ValueOf<ScalarNode> & ScalarValue);

/** The scalar for a place without text: null to every reader. */
export function emptyScalar(start: Mark): ScalarNode {
  const empty = { value: "", tag: "", style: "plain", implicit: true } as const;
  return { kind: "scalar", ...empty, start, outer: start.at, end: start.at, anchor: null };
}

/** The place after a token of one line. */
export function markAfter({ start, end }: Token): Mark {
  return { at: end, line: start.line, column: start.column + end - start.at };
}
