import { isRecord } from "../access/collections.ts";
import { parseJson } from "../access/seal.ts";
import { type Data, SECTIONS } from "./document.ts";
import { hasTwice } from "./field-problems.ts";
import { YamlExcess, YamlFailure } from "./go-yaml/cursor.ts";
import { decode, requireJson } from "./go-yaml/decode.ts";
import type { Field, MapValue, ScalarNode, YamlValue } from "./go-yaml/node.ts";
import { parseYaml } from "./go-yaml/parse-yaml.ts";
import { GO_SPACE } from "./read-document.ts";
import { stopsReading } from "./section-problems.ts";

/** A file with aws-auth: a ConfigMap as YAML or JSON, or its bare data. */
export interface ConfigMapFile {
  readonly text: string;
  readonly form: "config-map" | "bare";
  /** The whole object, or the bare data, as plain values. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly data: Data;
  /** The place of each value of the data; absent if unknown. */
  readonly nodes: ReadonlyMap<string, ScalarNode>;
  /** The object, if it is written in YAML. */
  readonly map: MapValue | null;
  /** The mapping with the data, if YAML spells it out. */
  readonly dataMap: MapValue | null;
  /** Offset and line at which the chosen YAML document begins; a file can have several. */
  readonly offset: number;
  readonly line: number;
  /** Keys of the data with a value that is not text: the API server refuses them. */
  readonly notText: readonly KeyPlace[];
  /** Keys of the object or its data that are there again later: kubectl takes the last one. */
  readonly repeated: readonly KeyPlace[];
}

type KeyPlace = { readonly key: string; readonly line: number; readonly column: number };

export function annotationsOf({ object: { metadata } }: ConfigMapFile): Readonly<Record<string, string>> {
  const found = isRecord(metadata) && isRecord(metadata.annotations) ? Object.entries(metadata.annotations) : [];
  return Object.fromEntries(found.filter((field): field is [string, string] => typeof field[1] === "string"));
}

type ConfigMapReading = { type: "file"; file: ConfigMapFile } | { type: "unusable"; message: string };

/** In characters: more than all ConfigMaps of a usual cluster. */
const longestFile = 16 * 1024 * 1024;

/** Reads a file as kubectl would: JSON, or else YAML. Of several objects it takes the one named aws-auth. */
export function readConfigMapFile(text: string): ConfigMapReading {
  if (text.length > longestFile) return { type: "unusable", message: "It is too large." };
  const { files, message } = readParts(text);
  const [named, again] = files.filter((candidate) => isAwsAuth(candidate.object));
  // kubectl applies both, and the last one stays.
  if (named && again) {
    const first = `aws-auth, first in line ${named.line + 1},`;
    return { type: "unusable", message: `${hasTwice("It", first, "kubectl")} Keep one.` };
  }
  const yaml = named ?? files[0] ?? null;
  const json = readJson(text);
  // JSON has other escapes than YAML, so the values come from JSON and only the places from YAML.
  const file = json && { ...json, nodes: yaml?.nodes ?? json.nodes, repeated: yaml?.repeated ?? [] };
  const found = file ?? yaml;
  if (found === null) return { type: "unusable", message };
  const data = found.object.data ?? {};
  if (found.form === "config-map" && !isRecord(data)) {
    const line = (yaml?.map?.fields.get("data")?.key.start.line ?? 0) + (yaml?.line ?? 0) + 1;
    const message = `data in line ${line} has no keys. Write mapRoles: | or mapUsers: | above its lines.`;
    return { type: "unusable", message };
  }
  return { type: "file", file: found };
}

function readParts(text: string): { files: ConfigMapFile[]; message: string } {
  const isHidden = /^---[^\S\n]+\S/m.test(text);
  let message = `It contains no ConfigMap.${isHidden ? " kubectl needs --- alone on a line." : ""}`;
  const files: ConfigMapFile[] = [];
  for (const part of splitDocuments(text)) {
    try {
      const file = readPart(text, part);
      if (file !== null) files.push(file);
    } catch (failure) {
      if (!(failure instanceof YamlFailure)) throw failure;
      const place = `line ${part.line + failure.line + 1}`;
      const isExcess = failure instanceof YamlExcess;
      message = isExcess ? stopsReading(place, failure) : `kubectl can't read it: ${failure.message} in ${place}.`;
    }
  }
  return { files, message };
}

function readPart(text: string, part: DocumentText): ConfigMapFile | null {
  // kubectl takes more for white space than YAML does.
  const inner = part.offset === 0 ? part.text : part.text.replace(/^---[^\n]*/, (line) => " ".repeat(line.length));
  const { root, dropped } = parseYaml(inner);
  // kubectl refuses it in a file that begins with an object, and otherwise reads none of it.
  if (dropped !== null && root?.kind === "mapping" && root.flow)
    throw new YamlExcess("has text after the object", dropped.line, dropped.column);
  const value = root === null ? null : decode(root);
  if (value !== null) requireJson(value);
  const map = value === null ? null : configMapIn(value);
  if (map === null) return null;
  const kind = map.fields.get("kind")?.value;
  const isConfigMap = kind?.type === "string" && kind.value === "ConfigMap";
  const data = isConfigMap ? (map.fields.get("data")?.value ?? null) : map;
  if (!isConfigMap && !SECTIONS.some((section) => map.fields.has(section))) return null;
  const dataMap = data?.type === "map" ? data : null;
  return {
    text,
    form: isConfigMap ? "config-map" : "bare",
    object: plainMap(map),
    map,
    dataMap,
    ...dataOf(dataMap, part.line),
    repeated: [map, ...(isConfigMap && dataMap ? [dataMap] : [])].flatMap((each) => repeatedIn(each, part.line)),
    offset: part.offset,
    line: part.line,
  };
}

/** The ConfigMap itself, or the one named aws-auth in a List. */
function configMapIn(value: YamlValue): MapValue | null {
  if (value.type !== "map") return null;
  const items = value.fields.get("items")?.value;
  if (items?.type !== "list") return value;
  const maps = items.items.filter((item) => item.type === "map");
  return maps.find((map) => isAwsAuth(plainMap(map))) ?? null;
}

function dataOf(map: MapValue | null, line: number): Pick<ConfigMapFile, "data" | "nodes" | "notText"> {
  const texts = new Map<string, string>();
  const nodes = new Map<string, ScalarNode>();
  const notText: KeyPlace[] = [];
  for (const [key, field] of map?.fields ?? []) {
    const text = textOf(field);
    if (text === null) notText.push({ key, line: line + field.key.start.line + 1, column: field.key.start.column + 1 });
    else texts.set(key, text);
    if (field.value.node.kind === "scalar") nodes.set(key, field.value.node);
  }
  return { data: Object.fromEntries(texts), nodes, notText };
}

function repeatedIn({ overwritten }: MapValue, line: number): readonly KeyPlace[] {
  return (overwritten ?? []).map(({ name: key, key: { start } }) => {
    return { key, line: line + start.line + 1, column: start.column + 1 };
  });
}

/** The API server reads null as an empty text. */
function textOf({ value }: Field): string | null {
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : null;
}

function plainMap(map: MapValue): Record<string, unknown> {
  return Object.fromEntries([...map.fields].map(([key, field]) => [key, plainValue(field.value)]));
}

/** A decoded value in the form of JSON. Keys that are not text are left out, and so are numbers that lose precision. */
function plainValue(value: YamlValue): unknown {
  switch (value.type) {
    case "list":
      return value.items.map(plainValue);
    case "map":
      return plainMap(value);
    default:
      return typeof value.value === "bigint" ? Number(value.value) : value.value;
  }
}

/** Its line is counted from 0. */
type DocumentText = Pick<ConfigMapFile, "text" | "offset" | "line">;

const SEPARATOR = new RegExp(`(?<![^\\n])---(?=(?:(?!\\n)${GO_SPACE})*(?:\\n|$))`, "g");

/** Cuts a text at lines of `---` alone, as kubectl does: only a line feed ends a line, and it reads one YAML document between two of them. */
export function splitDocuments(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  const starts = [...text.matchAll(SEPARATOR)].map((match) => match.index);
  const cuts = [...new Set([0, ...starts])];
  let line = 0;
  for (const [index, offset] of cuts.entries()) {
    const part = text.slice(offset, cuts[index + 1]);
    documents.push({ text: part, offset, line });
    line += part.split("\n").length - 1;
  }
  return documents;
}

/** Reads a JSON file; null: it is no JSON, or has no aws-auth. */
function readJson(text: string): ConfigMapFile | null {
  const object = jsonObject(text);
  if (object === null) return null;
  const isConfigMap = object.kind === "ConfigMap";
  const data = isConfigMap ? object.data : object;
  if (!isConfigMap && !SECTIONS.some((section) => Object.hasOwn(object, section))) return null;
  const entries = Object.entries(isRecord(data) ? data : {});
  const texts = entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : []));
  const others = entries.filter(([, value]) => typeof value !== "string" && value !== null);
  return {
    text,
    form: isConfigMap ? "config-map" : "bare",
    object,
    data: Object.fromEntries(texts),
    nodes: new Map(),
    map: null,
    dataMap: null,
    offset: 0,
    line: 0,
    notText: others.map(([key]) => ({ key, line: 1, column: 1 })),
    repeated: [],
  };
}

function jsonObject(text: string): Record<string, unknown> | null {
  const object = wholeJson(text);
  if (!isRecord(object)) return null;
  if (!Array.isArray(object.items)) return object;
  return object.items.find(isAwsAuth) ?? null;
}

/** kubectl ignores the byte order mark that PowerShell writes; JSON.parse does not. */
export function wholeJson(text: string): unknown {
  return parseJson(text.replace(/^\ufeff/, ""));
}

/** The authenticator reads no copy in another namespace. */
export function isAwsAuth(item: unknown): item is Record<string, unknown> {
  if (!isRecord(item) || item.kind !== "ConfigMap" || !isRecord(item.metadata)) return false;
  const { name, namespace = "kube-system" } = item.metadata;
  return name === "aws-auth" && namespace === "kube-system";
}
