import { AliasBudget, ReadingBudget, type Steps } from "./budget.ts";
import { YamlFailure } from "./cursor.ts";
import {
  type Draft,
  type Field,
  isWide,
  type MappingNode,
  type MapValue,
  resolvePlain,
  type ScalarNode,
  type ScalarValue,
  type SequenceNode,
  YAML_TAG,
  type YamlNode,
  type YamlValue,
} from "./node.ts";

/** The forms of a time that go-yaml accepts: a date, or one with a time after T and a zone, or after a space without one. */
const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?(?:Z|[-+](\d{2}):(\d{2}))| +(\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?)?$/;

type MapDraft = Draft<Omit<MapValue, "fields" | "overwritten" | "others">> & {
  fields: Map<string, Field>;
  overwritten: (Field & { name: string })[] | null;
  others: Map<unknown, YamlValue> | null;
};

/** The value of a node as go-yaml v2 decodes it into `interface{}`. Throws as `parseYaml` does. */
export function decode(node: YamlNode, budget = new ReadingBudget()): YamlValue {
  return decodeNode(node, new AliasBudget(budget));
}

/** The value of a node that was decoded before. */
export function decodeAgain(node: YamlNode): YamlValue {
  return decodeNode(node, UNLIMITED);
}

const UNLIMITED: Spending = { spend: () => {}, through: (_, run) => run() };

/**
 * Decodes the items of a list one after the other, as `decode` and `requireJson` do together. Nothing keeps their values: those of
 * a large list take more memory than its nodes. Pauses after each.
 */
export function* decodeItems(
  list: SequenceNode,
  budget: ReadingBudget,
  visit: (value: YamlValue, index: number) => void,
): Steps<void> {
  const steps = new AliasBudget(budget);
  const failures: unknown[] = [];
  steps.spend(list);
  for (const [index, item] of list.items.entries()) {
    const value = decodeNode(item, steps);
    try {
      requireJson(value);
    } catch (failure) {
      failures.push(failure);
    }
    visit(value, index);
    yield;
  }
  // go-yaml decodes the whole text before anything becomes JSON.
  if (failures.length > 0) throw failures[0];
}

type Spending = Pick<AliasBudget, "spend" | "through">;

function decodeNode(node: YamlNode, budget: Spending): YamlValue {
  budget.spend(node);
  switch (node.kind) {
    case "alias":
      return budget.through(node, () => decodeNode(node.target, budget));
    case "scalar":
      return scalarValue(node);
    case "sequence":
      return { type: "list", items: node.items.map((item) => decodeNode(item, budget)), node };
    case "mapping":
      return decodeMapping(node, budget);
  }
}

/** Spelled out for each type: there are very many scalars, and a spread object is slow. */
function scalarValue(node: ScalarNode): YamlValue {
  const { type, value } = resolveScalar(node);
  if (type === "string") return { type, value, node };
  if (type === "number") return { type, value, node };
  return type === "bool" ? { type, value, node } : { type, value, node };
}

/** The value of a scalar. Throws if its text does not fit its tag. */
export function resolveScalar(node: ScalarNode): ScalarValue {
  if (node.tag === "") return node.implicit ? resolvePlain(node.value) : { type: "string", value: node.value };
  const value = resolveTagged(node.tag, node.value);
  if (value === null) throw failure(`cannot decode \`${node.value}\` as a ${node.tag}`, node);
  return value;
}

function decodeMapping(node: MappingNode, budget: Spending): MapValue {
  const map: MapDraft = { type: "map", fields: new Map(), overwritten: null, others: null, unfitKey: null, node };
  fill(map, node, budget, false);
  return map;
}

function fill(map: MapDraft, node: MappingNode, budget: Spending, merged: boolean): void {
  for (const { key, value } of node.pairs) {
    if (isMerge(key)) {
      for (const source of mergeSources(value)) merge(map, source, budget);
      continue;
    }
    const name = decodeNode(key, budget);
    if (name.type === "map" || name.type === "list") throw failure("invalid map key", key);
    const field = { key, value: decodeNode(value, budget), written: value, merged };
    if (name.type === "string") set(map, name.value, field);
    else {
      map.others ??= new Map();
      map.others.set(name.value, field.value);
    }
    if (name.type === "null" || isWide(name.value)) map.unfitKey ??= key;
  }
}

/** The last use wins, also over an earlier `<<`. What a later `<<` brings wins over both. */
function set(map: MapDraft, name: string, field: Field): void {
  const before = map.fields.get(name);
  if (before !== undefined) {
    map.overwritten ??= [];
    map.overwritten.push({ ...before, name });
  }
  map.fields.set(name, field);
}

export function isMerge(key: YamlNode): boolean {
  return key.kind === "scalar" && key.value === "<<" && (key.implicit || key.tag === `${YAML_TAG}merge`);
}

type MergeSource = { readonly written: YamlNode; readonly mapping: MappingNode };

/** In the order of application: of a list the last first, as earlier ones win. */
function mergeSources(value: YamlNode): MergeSource[] {
  const sources = value.kind === "sequence" ? [...value.items].reverse() : [value];
  return sources.map((written) => {
    const mapping = written.kind === "alias" ? written.target : written;
    if (mapping.kind === "mapping") return { written, mapping };
    throw failure("map merge requires map or sequence of maps as the value", written);
  });
}

function merge(map: MapDraft, { written, mapping }: MergeSource, budget: Spending): void {
  const bringIn = () => {
    budget.spend(mapping);
    fill(map, mapping, budget, true);
  };
  if (written.kind === "alias") {
    budget.spend(written);
    budget.through(written, bringIn);
  } else {
    bringIn();
  }
}

function failure(problem: string, node: YamlNode): YamlFailure {
  return new YamlFailure(problem, node.start.line, node.start.column);
}

/** Resolves a scalar with an explicit tag; null: go-yaml refuses the text for this tag. */
function resolveTagged(tag: string, text: string): ScalarValue | null {
  switch (tag) {
    case `${YAML_TAG}binary`:
      return decodeBinary(text);
    case `${YAML_TAG}timestamp`:
      return isTimestamp(text) ? { type: "string", value: text } : null;
    case `${YAML_TAG}bool`:
      return only("bool", text);
    case `${YAML_TAG}null`:
      return only("null", text);
    case `${YAML_TAG}int`:
      return resolveInteger(text);
    case `${YAML_TAG}float`:
      return resolveFloat(text);
    default:
      return { type: "string", value: text };
  }
}

function only(type: ScalarValue["type"], text: string): ScalarValue | null {
  const value = resolvePlain(text);
  return value.type === type ? value : null;
}

function resolveInteger(text: string): ScalarValue | null {
  const value = resolvePlain(text);
  return typeof value.value === "bigint" ? value : null;
}

function resolveFloat(text: string): ScalarValue | null {
  const value = resolvePlain(text);
  if (value.type !== "number" || isWide(value.value)) return null;
  return { type: "number", value: Number(value.value) };
}

/** Go's base64 accepts line breaks anywhere, and nothing else outside of its alphabet. */
function decodeBinary(text: string): ScalarValue | null {
  const packed = text.replaceAll(/[\r\n]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null;
  return { type: "string", value: goText(Buffer.from(packed, "base64")) };
}

/** As encoding/json of Go writes a text: U+FFFD for each byte that is no part of a letter. `toString` writes one for a cut letter. */
function goText(bytes: Buffer): string {
  const whole = bytes.toString("utf8");
  if (!whole.includes("\ufffd")) return whole;
  const each = bytes.toString("latin1").replace(TWO_OF_CUT, "\xff\xff").replace(THREE_OF_CUT, "\xff\xff\xff");
  return Buffer.from(each, "latin1").toString("utf8");
}

/** The bytes that DecodeRune of Go takes for the beginning of a letter of three or four, and the next one is of none. */
const TWO_OF_CUT =
  /(?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef\xf1-\xf3][\x80-\xbf]|\xf0[\x90-\xbf]|\xf4[\x80-\x8f])(?![\x80-\xbf])/g;
const THREE_OF_CUT = /(?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])[\x80-\xbf](?![\x80-\xbf])/g;

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [, year, month, day, zoned, zoneHour = 0, zoneMinute = 0, plain] = match;
  const [hour = 0, minute = 0, second = 0] = (zoned ?? plain ?? "").split(":").map(Number);
  // Go takes a zone of 24 hours, or of 60 minutes.
  if (Number(zoneHour) > 24 || Number(zoneMinute) > 60) return false;
  return isDate(Number(year), Number(month), Number(day)) && hour < 24 && minute < 60 && second < 60;
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1;
}

/** Throws if Go could not turn a decoded value into JSON: a key that is null, .inf or .nan anywhere. */
export function requireJson(value: YamlValue): void {
  switch (value.type) {
    case "number":
      if (typeof value.value === "number" && !Number.isFinite(value.value))
        throw new YamlFailure("JSON can't hold this number", value.node.start.line, value.node.start.column);
      return;
    case "list":
      value.items.forEach(requireJson);
      return;
    case "map":
      if (value.unfitKey !== null)
        throw new YamlFailure("JSON can't hold this key", value.unfitKey.start.line, value.unfitKey.start.column);
      for (const field of value.fields.values()) requireJson(field.value);
      if (value.others !== null) for (const other of value.others.values()) requireJson(other);
  }
}
