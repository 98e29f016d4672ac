import { dump } from "js-yaml";
import { parseJson } from "../access/seal.ts";
import { SECTIONS } from "./document.ts";
import { replaceNode } from "./edit-entry.ts";
import { YamlFailure } from "./go-yaml/cursor.ts";
import { decode } from "./go-yaml/decode.ts";
import type { Field, MappingNode, MapValue, ScalarNode, YamlNode, YamlValue } from "./go-yaml/node.ts";
import { parseYaml } from "./go-yaml/parse-yaml.ts";
import { GO_SPACE } from "./read-document.ts";
import { quote } from "./render.ts";
import { afterLine, editLines, insertLines, lineBreakOf, removeLines, type TextEdit } from "./text-edit.ts";

/** A file with aws-auth: a ConfigMap as YAML or JSON, or its bare data. */
export interface ConfigMapFile {
  readonly text: string;
  readonly form: "config-map" | "bare";
  /** The whole object, or the bare data, as plain values. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, string>>;
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
  readonly notText: readonly { readonly key: string; readonly line: number; readonly column: number }[];
}

function nameOf({ metadata }: Readonly<Record<string, unknown>>): unknown {
  return isRecord(metadata) ? metadata.name : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type ConfigMapReading = { type: "file"; file: ConfigMapFile } | { type: "unusable"; message: string };

/** Reads a file as kubectl would: JSON, or else YAML. Of several objects it takes the one named aws-auth. */
export function readConfigMapFile(text: string): ConfigMapReading {
  const { files, message } = readParts(text);
  const yaml = files.find((candidate) => nameOf(candidate.object) === "aws-auth") ?? files[0] ?? null;
  const json = readJson(text);
  // JSON has other escapes than YAML, so the values come from JSON and only the places from YAML.
  const file = json && { ...json, nodes: yaml?.nodes ?? json.nodes };
  const found = file ?? yaml;
  if (found === null) return { type: "unusable", message };
  const data = found.object.data ?? {};
  if (found.form === "config-map" && !isRecord(data))
    return { type: "unusable", message: "The data of the ConfigMap is no mapping." };
  return { type: "file", file: found };
}

function readParts(text: string): { files: ConfigMapFile[]; message: string } {
  let message = "It contains no ConfigMap.";
  const files: ConfigMapFile[] = [];
  for (const part of splitDocuments(text)) {
    try {
      const file = readPart(text, part);
      if (file !== null) files.push(file);
    } catch (failure) {
      if (!(failure instanceof YamlFailure)) throw failure;
      message = `It is not YAML: ${failure.message} in line ${part.line + failure.line + 1}.`;
    }
  }
  return { files, message };
}

function readPart(text: string, part: { text: string; offset: number; line: number }): ConfigMapFile | null {
  const { root } = parseYaml(part.text);
  const value = root === null ? null : decode(root);
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
  return maps.find((map) => nameIn(map) === "aws-auth") ?? null;
}

function nameIn(map: MapValue): string | null {
  const metadata = map.fields.get("metadata")?.value;
  const name = metadata?.type === "map" ? metadata.fields.get("name")?.value : undefined;
  return name?.type === "string" ? name.value : null;
}

function dataOf(map: MapValue | null, line: number): Pick<ConfigMapFile, "data" | "nodes" | "notText"> {
  const texts = new Map<string, string>();
  const nodes = new Map<string, ScalarNode>();
  const notText: { key: string; line: number; column: number }[] = [];
  for (const [key, field] of map?.fields ?? []) {
    const text = textOf(field);
    if (text === null) notText.push({ key, line: line + field.key.start.line + 1, column: field.key.start.column + 1 });
    else texts.set(key, text);
    if (field.value.node.kind === "scalar") nodes.set(key, field.value.node);
  }
  return { data: Object.fromEntries(texts), nodes, notText };
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

interface DocumentText {
  readonly text: string;
  readonly offset: number;
  /** Counted from 0. */
  readonly line: number;
}

const SEPARATOR = new RegExp(`(?<![^\\n])---(?=${GO_SPACE}|$)`, "g");

/** Cuts a text at lines that begin with `---`, as kubectl does: only a line feed ends a line. Such a line also ends every scalar. */
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
  };
}

function jsonObject(text: string): Record<string, unknown> | null {
  const object = parseJson(text);
  if (!isRecord(object)) return null;
  if (!Array.isArray(object.items)) return object;
  return object.items.find((item) => isRecord(item) && nameOf(item) === "aws-auth") ?? null;
}

/** Edits YAML in place, so that comments stay, or else writes it from its values, as JSON and bare data. */
export function writeConfigMap(file: ConfigMapFile, data: Readonly<Record<string, string>>): string {
  const edited = file.form === "config-map" ? editFile(file, data) : null;
  // A block at the end of a file can need its line break.
  const texts = edited === null ? [] : [edited, edited + lineBreakOf(edited)];
  const exact = texts.find((text) => hasExactly(text, data));
  if (exact !== undefined) return exact;
  const object = newObject(file);
  if (isJson(file.text)) return `${JSON.stringify({ ...object, data }, null, 2)}\n`;
  const values = Object.entries(data).map(([key, value]) => `  ${key}: ${blockText(value, 2, "\n")}\n`);
  // Behind a text with empty lines at its end js-yaml ends the document, and kubectl would miss the data.
  const head = dump(object, { lineWidth: -1 }).replace(/\n\.\.\.\n$/, "\n");
  return `${head}data:${values.length === 0 ? " {}" : ""}\n${values.join("")}`;
}

function newObject({ form, object: { data: _, ...others } }: ConfigMapFile): Record<string, unknown> {
  if (form === "config-map") return others;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "aws-auth", namespace: "kube-system" } };
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{");
}

function hasExactly(text: string, data: Readonly<Record<string, string>>): boolean {
  const reading = readConfigMapFile(text);
  return reading.type === "file" && sameData(reading.file.data, data);
}

function sameData(some: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>): boolean {
  const inOrder = (data: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(data).sort());
  return inOrder(some) === inOrder(others);
}

function editFile(file: ConfigMapFile, data: Readonly<Record<string, string>>): string | null {
  const { text, map, dataMap, offset } = file;
  if (sameData(file.data, data)) return text;
  if (map === null || map.node.flow) return null;
  const edited = editLines(text.slice(offset), (part) => {
    if (dataMap === null || dataMap.node.flow) return [writeData(part, map, data)];
    const edits = [...dataMap.fields].flatMap(([key, field]) => editValue(file, part, key, field.key, data[key]));
    const added = Object.entries(data).filter(([key]) => !dataMap.fields.has(key));
    return added.length === 0 ? edits : [...edits, addValues(part, dataMap.node, added)];
  });
  return edited === null ? null : text.slice(0, offset) + edited;
}

/** Writes data that is absent, empty or within braces. */
function writeData(part: string, map: MapValue, data: Readonly<Record<string, string>>): TextEdit {
  const { column } = map.node.start;
  const lineBreak = lineBreakOf(part);
  const lines = valueLines(Object.entries(data), column + 2, lineBreak);
  const field = map.fields.get("data");
  if (field === undefined)
    return insertLines(afterLine(part, map.node.end), `${" ".repeat(column)}data:${lineBreak}${lines}`, lineBreak);
  const { outer, end } = field.written;
  if (outer === end) return insertLines(afterLine(part, field.key.end), lines, lineBreak);
  return { start: part.slice(0, outer).trimEnd().length, end, text: lines === "" ? " {}" : lineBreak + lines };
}

function editValue(
  file: ConfigMapFile,
  part: string,
  key: string,
  keyNode: YamlNode,
  wanted: string | undefined,
): TextEdit[] {
  const node = file.nodes.get(key);
  if (node === undefined || wanted === file.data[key]) return [];
  if (wanted === undefined) return [removeLines(part, keyNode.outer, node.end)];
  return [replaceScalar(part, node, wanted, keyNode.start.column)];
}

function addValues(part: string, { start, end }: MappingNode, added: readonly (readonly [string, string])[]): TextEdit {
  const { column } = start;
  const lineBreak = lineBreakOf(part);
  return insertLines(afterLine(part, end), valueLines(added, column, lineBreak), lineBreak);
}

function valueLines(values: readonly (readonly [string, string])[], column: number, lineBreak: string): string {
  const pad = " ".repeat(column);
  return values.map(([key, value]) => `${pad}${key}: ${blockText(value, column, lineBreak)}`).join(lineBreak);
}

function replaceScalar(part: string, node: ScalarNode, value: string, column: number): TextEdit {
  return replaceNode(part, node, blockText(value, column, lineBreakOf(part)));
}

/** Characters that stay as they are in a literal block, except at the start of a line. */
const SAFE = /^[\t\n -~\u00a0-\u2027\u202a-\ufefe]*$/;

/** A text as a literal block below a key at `column`, without its last break; in quotes if a block can't represent it. */
function blockText(value: string, column: number, lineBreak: string): string {
  const fits = SAFE.test(value) && /^[^ \t\n].*\n/.test(value) && !value.endsWith("\n\n");
  if (!fits) return quote(value);
  const isEnded = value.endsWith("\n");
  const lines = (isEnded ? value.slice(0, -1) : value).split("\n");
  const pad = " ".repeat(column + 2);
  return [isEnded ? "|" : "|-", ...lines.map((line) => (line === "" ? "" : pad + line))].join(lineBreak);
}
