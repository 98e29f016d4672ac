import { isDigit, type Mark, type ScalarStyle, type Token } from "./cursor.ts";

/** The beginning of the tags of YAML's own types. */
export const YAML_TAG = "tag:yaml.org,2002:";

export type Draft<T> = { -readonly [K in keyof T]: T[K] };

interface NodeBase {
  /** Where its content starts: after its anchor and tag. */
  readonly start: Mark;
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

export type Pair = { readonly key: YamlNode; readonly value: YamlNode };

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

/** The value of a scalar for go-yaml v2 if no type is wanted. An integer is a bigint. */
export type ScalarValue =
  | { readonly type: "null"; readonly value: null }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "number"; readonly value: bigint | number }
  | { readonly type: "string"; readonly value: string };

const WORDS = new Map<string, ScalarValue>();
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, { type: "null", value: null });
for (const word of [".nan", ".NaN", ".NAN"]) WORDS.set(word, { type: "number", value: Number.NaN });
for (const word of [".inf", ".Inf", ".INF"]) {
  WORDS.set(word, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`+${word}`, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`-${word}`, { type: "number", value: Number.NEGATIVE_INFINITY });
}
for (const word of ["y", "yes", "true", "on"]) addBool(word, true);
for (const word of ["n", "no", "false", "off"]) addBool(word, false);

function addBool(word: string, value: boolean): void {
  const forms = [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
  for (const form of forms) WORDS.set(form, { type: "bool", value });
}

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/;

/** go-yaml gives strconv.ParseInt the digits after `0b` alone, so they can have a sign. */
const SIGNED_BINARY = /^0b([-+])(?=[01]+$)/;

/** The texts beginning with a point that strconv.ParseFloat accepts: unlike elsewhere, underscores must separate digits. */
const POINTED = /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/;

/** Resolves a plain scalar. Base 60 numbers are strings to go-yaml; so are timestamps, as it decodes them. */
export function resolvePlain(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const value = toNumber(text);
  return value === null ? { type: "string", value: text } : { type: "number", value };
}

function toNumber(text: string): bigint | number | null {
  const first = text.charCodeAt(0);
  if (first === 0x2e) return POINTED.test(text) ? finite(text.replaceAll("_", "")) : null;
  if (!isDigit(first) && first !== 0x2b && first !== 0x2d) return null;
  const digits = text.replaceAll("_", "").replace(SIGNED_BINARY, "$10b");
  return toInteger(digits) ?? (FLOAT.test(digits) ? finite(digits) : null);
}

/** A number too large for a float64 stays text. */
function finite(digits: string): number | null {
  const value = Number(digits);
  return Number.isFinite(value) ? value : null;
}

/** As strconv.ParseInt and, without a sign, ParseUint read it, with base 0 and 64 bits. */
function toInteger(digits: string): bigint | null {
  if (!INTEGER.test(digits)) return null;
  const sign = digits.charAt(0);
  const size = BigInt(digits.replace(/^[-+]/, "").replace(/^0(?=[0-7])/, "0o"));
  if (sign === "-") return size <= 2n ** 63n ? -size : null;
  return size < (sign === "+" ? 2n ** 63n : 2n ** 64n) ? size : null;
}

/** Whether Go stores a number as a uint64, which it refuses as a key on the way to JSON. */
export function isWide(value: unknown): boolean {
  return typeof value === "bigint" && value >= 2n ** 63n;
}
