import { stringify } from "yaml";
import { type ConfigMapFile, readConfigMapFile } from "./config-map.ts";
import { replaceNode } from "./edit-entry.ts";
import type { MappingNode, ScalarNode, YamlNode } from "./go-yaml/node.ts";
import { quote } from "./render.ts";
import { afterLine, editLines, insertLines, lineBreakOf, removeLines, type TextEdit } from "./text-edit.ts";

/**
 * The file with other data. YAML is edited in place, so that comments stay; else, and for JSON and bare data, it is written from
 * its values.
 */
export function writeConfigMap(file: ConfigMapFile, data: Readonly<Record<string, string>>): string {
  const edited = file.form === "config-map" ? editFile(file, data) : null;
  if (edited !== null && hasExactly(edited, data)) return edited;
  const object = newObject(file);
  if (isJson(file.text)) return `${JSON.stringify({ ...object, data }, null, 2)}\n`;
  const values = Object.entries(data).map(([key, value]) => `  ${key}: ${blockText(value, 2, "\n")}\n`);
  return `${stringify(object, { lineWidth: 0 })}data:${values.length === 0 ? " {}" : ""}\n${values.join("")}`;
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
  const { text, dataMap, offset } = file;
  if (dataMap === null || dataMap.node.flow) return null;
  const edited = editLines(text.slice(offset), (part) => {
    const edits = [...dataMap.fields].flatMap(([key, field]) => editValue(file, part, key, field.key, data[key]));
    const added = Object.entries(data).filter(([key]) => !dataMap.fields.has(key));
    return added.length === 0 ? edits : [...edits, addValues(part, dataMap.node, added)];
  });
  return edited === null ? null : text.slice(0, offset) + edited;
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
  const lines = added.map(([key, value]) => `${" ".repeat(column)}${key}: ${blockText(value, column, lineBreak)}`);
  return insertLines(afterLine(part, end), lines.join(lineBreak), lineBreak);
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
