import { AliasBudget } from "./alias-budget.ts";
import { YamlFailure } from "./failure.ts";
import { type MappingNode, type ScalarNode, YAML_TAG, type YamlNode } from "./node.ts";
import { ReadingBudget } from "./reading-budget.ts";
import { isWide, resolvePlain, type ScalarValue } from "./resolve-plain.ts";
import { resolveTagged } from "./resolve-tag.ts";
import type { Field, MapValue, YamlValue } from "./value.ts";

type Draft<T> = { -readonly [K in keyof T]: T[K] };
type MapDraft = Draft<Omit<MapValue, "fields" | "overwritten" | "others">> & {
  fields: Map<string, Field>;
  overwritten: (Field & { name: string })[] | null;
  others: Map<unknown, YamlValue> | null;
};

/** The value of a node as go-yaml v2 decodes it into `interface{}`. Throws as `parseYaml` does. */
export function decode(node: YamlNode, budget = new ReadingBudget()): YamlValue {
  return decodeNode(node, new AliasBudget(budget));
}

function decodeNode(node: YamlNode, budget: AliasBudget): YamlValue {
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

/** Spelled out for each type: there are very many scalars, and an object made by spreading is slow to make. */
function scalarValue(node: ScalarNode): YamlValue {
  const { type, value } = resolveScalar(node);
  if (type === "string") return { type, value, node };
  if (type === "number") return { type, value, node };
  return type === "bool" ? { type, value, node } : { type, value, node };
}

/** What a scalar stands for. Throws where its text does not fit its tag. */
export function resolveScalar(node: ScalarNode): ScalarValue {
  if (node.tag === "") return node.implicit ? resolvePlain(node.value) : { type: "string", value: node.value };
  const value = resolveTagged(node.tag, node.value);
  if (value === null) throw failure(`cannot decode \`${node.value}\` as a ${node.tag}`, node);
  return value;
}

function decodeMapping(node: MappingNode, budget: AliasBudget): MapValue {
  const map: MapDraft = { type: "map", fields: new Map(), overwritten: null, others: null, unfitKey: null, node };
  fill(map, node, budget, false);
  return map;
}

function fill(map: MapDraft, node: MappingNode, budget: AliasBudget, merged: boolean): void {
  for (const { key, value } of node.pairs) {
    if (isMerge(key)) {
      for (const source of mergeSources(value)) merge(map, source, budget);
      continue;
    }
    const name = decodeNode(key, budget);
    if (name.type === "map" || name.type === "list") throw failure("invalid map key", key);
    const field = { key, value: decodeNode(value, budget), written: value, merged };
    if (name.type === "string") set(map, name.value, field);
    else addOther(map, name.value, field.value);
    if (name.type === "null" || isWide(name.value)) map.unfitKey ??= key;
  }
}

/** The last one given wins, also over what an earlier `<<` brought, and what a later `<<` brings wins over both. */
function set(map: MapDraft, name: string, field: Field): void {
  const before = map.fields.get(name);
  if (before !== undefined) {
    map.overwritten ??= [];
    map.overwritten.push({ ...before, name });
  }
  map.fields.set(name, field);
}

function addOther(map: MapDraft, key: unknown, value: YamlValue): void {
  map.others ??= new Map();
  map.others.set(key, value);
}

/** Whether a key is `<<`, which brings in the fields of other mappings. */
export function isMerge(key: YamlNode): boolean {
  return key.kind === "scalar" && key.value === "<<" && (key.implicit || key.tag === `${YAML_TAG}merge`);
}

/** A mapping that `<<` brings in, and how it is written there: as it is, or by an alias. */
interface MergeSource {
  readonly written: YamlNode;
  readonly mapping: MappingNode;
}

/** In the order in which they are applied: of a list, the last first, as earlier ones win. */
function mergeSources(value: YamlNode): MergeSource[] {
  const sources = value.kind === "sequence" ? [...value.items].reverse() : [value];
  return sources.map((written) => {
    const mapping = written.kind === "alias" ? written.target : written;
    if (mapping.kind === "mapping") return { written, mapping };
    throw failure("map merge requires map or sequence of maps as the value", written);
  });
}

function merge(map: MapDraft, { written, mapping }: MergeSource, budget: AliasBudget): void {
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
