import type { MappingNode, ScalarNode, SequenceNode, YamlNode } from "./node.ts";
import type { ScalarValue } from "./resolve-plain.ts";

interface ValueOf<Node extends YamlNode> {
  /** Where it is written; for what an alias stands for, where that is written. */
  readonly node: Node;
}

export interface Field {
  readonly key: YamlNode;
  readonly value: YamlValue;
  /** The value as it stands behind the key: the alias itself where it is one. */
  readonly written: YamlNode;
  /** It came by `<<`, so it is not written in this mapping. */
  readonly merged: boolean;
}

export interface MapValue extends ValueOf<MappingNode> {
  readonly type: "map";
  /** Fields with a string for a key, in the order in which they were first written. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Fields that another one with the very same key took the place of; null where there are none, as nearly always. */
  readonly overwritten: readonly (Field & { readonly name: string })[] | null;
  /** Values under keys that are no strings, by what Go holds the keys for: nothing reads them, but they must fit JSON. Null as above. */
  readonly others: ReadonlyMap<unknown, YamlValue> | null;
  /** A key that JSON can't hold, or null. */
  readonly unfitKey: YamlNode | null;
}

export interface ListValue extends ValueOf<SequenceNode> {
  readonly type: "list";
  readonly items: readonly YamlValue[];
}

export type YamlValue = MapValue | ListValue | (ValueOf<ScalarNode> & ScalarValue);
