import { stringify } from "yaml";
import { type ConfigMapFile, readConfigMap } from "./config-map.ts";
import type { ScalarNode } from "./go-yaml/node.ts";
import { quote } from "./quote.ts";
import {
  afterLine,
  applyEdits,
  insertLines,
  lineBreakOf,
  removeLines,
  startOfLine,
  type TextEdit,
} from "./text-edit.ts";

/**
 * The file with other data in it. A ConfigMap written as YAML is edited in place, so that its comments and what else is
 * in the file stay; where that can't be done, and for JSON and bare data, the ConfigMap is written anew.
 */
export function writeConfigMap(file: ConfigMapFile, data: Readonly<Record<string, string>>): string {
  const edited = file.form === "config-map" ? editFile(file, data) : null;
  if (edited !== null && holds(edited, data)) return edited;
  const object = { ...newObject(file), data };
  return isJson(file.text) ? `${JSON.stringify(object, null, 2)}\n` : stringify(object, { lineWidth: 0 });
}

function newObject({ form, object }: ConfigMapFile): Record<string, unknown> {
  if (form === "config-map") return { ...object };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "aws-auth", namespace: "kube-system" } };
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{");
}

function holds(text: string, data: Readonly<Record<string, string>>): boolean {
  const reading = readConfigMap(text);
  return reading.type === "file" && sameData(reading.file.data, data);
}

function sameData(some: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(some);
  return keys.length === Object.keys(others).length && keys.every((key) => some[key] === others[key]);
}

function editFile(file: ConfigMapFile, data: Readonly<Record<string, string>>): string | null {
  const { text, dataMap, offset } = file;
  if (dataMap?.node.kind !== "mapping" || dataMap.node.flow) return null;
  const part = text.slice(offset);
  const edits: TextEdit[] = [];
  for (const [key, { key: keyNode }] of dataMap.fields) {
    const node = file.nodes.get(key);
    const wanted = data[key];
    if (node === undefined || wanted === file.data[key]) continue;
    const column = keyNode.start.column;
    if (wanted === undefined) edits.push(removeLines(part, keyNode.outer, node.end));
    else edits.push(replaceScalar(part, node, wanted, column));
  }
  const last = dataMap.node.pairs.at(-1);
  const added = Object.entries(data).filter(([key]) => !dataMap.fields.has(key));
  if (last !== undefined && added.length > 0) {
    const column = last.key.start.column;
    const lineBreak = lineBreakOf(part);
    const lines = added.map(([key, value]) => `${" ".repeat(column)}${key}: ${blockText(value, column, lineBreak)}`);
    edits.push(insertLines(part, afterLine(part, last.value.end), lines.join(lineBreak), lineBreak));
  }
  return text.slice(0, offset) + applyEdits(part, edits);
}

/** A block scalar takes the break at its end with it, so the new one brings its own. */
function replaceScalar(part: string, node: ScalarNode, value: string, column: number): TextEdit {
  const lineBreak = lineBreakOf(part);
  const written = blockText(value, column, lineBreak);
  const isBlock = node.style === "literal" || node.style === "folded";
  const before = node.outer === node.end ? " " : "";
  const endsLine = isBlock && node.end > 0 && startOfLine(part, node.end) === node.end;
  return { start: node.outer, end: node.end, text: before + written + (endsLine ? lineBreak : "") };
}

/** A text as a literal block below a key at `column`, without its last break; in quotes where a block can't hold it. */
function blockText(value: string, column: number, lineBreak: string): string {
  const lines = value.split("\n");
  const last = lines.pop() ?? "";
  const isPlain = /^[\t\n -~\u00a0-\u2027\u202a-\ufefe]*$/.test(value) && lines.length > 0;
  if (!isPlain || lines[0]?.trim() === "" || /^[ \t]/.test(lines[0] ?? "") || lines.at(-1) === "") return quote(value);
  const all = last === "" ? lines : [...lines, last];
  const pad = " ".repeat(column + 2);
  return [last === "" ? "|" : "|-", ...all.map((line) => (line === "" ? "" : pad + line))].join(lineBreak);
}
