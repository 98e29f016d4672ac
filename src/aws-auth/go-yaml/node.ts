import type { Mark, ScalarStyle } from "./token.ts";

/** What the tags of YAML's own types begin with. */
export const YAML_TAG = "tag:yaml.org,2002:";

interface NodeBase {
  /** Where its content starts: behind its anchor and tag. */
  readonly start: Mark;
  /** Offset at which the node begins, its anchor and tag included. */
  readonly outer: number;
  /** Offset behind its last unit; for a block collection, behind the last unit of its last child. */
  readonly end: number;
  readonly anchor: string | null;
}

export interface ScalarNode extends NodeBase {
  readonly kind: "scalar";
  readonly value: string;
  /** In its long form, or "" where none was written. */
  readonly tag: string;
  readonly style: ScalarStyle;
  /** Written plain, or tagged with a bare `!`: its type is read from its text. */
  readonly implicit: boolean;
}

export interface SequenceNode extends NodeBase {
  readonly kind: "sequence";
  readonly items: readonly YamlNode[];
  readonly flow: boolean;
  /** Block style: where each item's `-` stands. Flow style: where each comma stands. */
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

export interface AliasNode extends NodeBase {
  readonly kind: "alias";
  readonly name: string;
  /** What it stands for. May hold the alias itself: a decoder must look. */
  readonly target: YamlNode;
}

export type YamlNode = ScalarNode | SequenceNode | MappingNode | AliasNode;

/** The first document of a text. */
export interface YamlDocument {
  /** Null where the text holds no document at all. */
  readonly root: YamlNode | null;
  /** Where something stands that no reader of the first document ever sees, or null. */
  readonly dropped: Mark | null;
}
