export type TokenType =
  | "stream-end"
  | "version-directive"
  | "tag-directive"
  | "document-start"
  | "document-end"
  | "block-sequence-start"
  | "block-mapping-start"
  | "block-end"
  | "flow-sequence-start"
  | "flow-sequence-end"
  | "flow-mapping-start"
  | "flow-mapping-end"
  | "block-entry"
  | "flow-entry"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar";

export type ScalarStyle = "plain" | "single" | "double" | "literal" | "folded";

/** A place in the text: offset, line and column, each zero-based, in UTF-16 units. */
export interface Mark {
  readonly at: number;
  readonly line: number;
  readonly column: number;
}

export interface Token {
  readonly type: TokenType;
  readonly start: Mark;
  /** Offset behind the last unit of the token. */
  readonly end: number;
  /** Text of a scalar; name of an alias or anchor; handle of a tag or of a tag directive; version as `1.1`. */
  readonly value: string;
  /** Suffix of a tag; prefix of a tag directive. */
  readonly suffix: string;
  readonly style: ScalarStyle;
}
