import { isRecord } from "../access/collections.ts";
import { type ConfigMapFile, isAwsAuth, readConfigMapFile, splitDocuments, wholeJson } from "./config-map.ts";
import { type Data, sameData } from "./document.ts";
import { replaceNode } from "./edit-entry.ts";
import { type MappingNode, type MapValue, resolvePlain, type ScalarNode, type YamlNode } from "./go-yaml/node.ts";
import {
  afterLine,
  editLines,
  editList,
  insertLines,
  isStartOfLine,
  lineBreakOf,
  quote,
  removeLines,
  type TextEdit,
} from "./text-edit.ts";

/** Edits YAML in place; writes JSON and bare data anew. Null: that would lose other text of the file. */
export function writeConfigMap(file: ConfigMapFile, data: Data): string | null {
  const { text, form, map } = file;
  if (form === "config-map" && sameData(file.data, data)) return text;
  if (map === null) return `${JSON.stringify(jsonWith(file, data), null, 2)}\n`;
  if (form === "bare") return map.others === null && isAlone(file) ? bareWith(data) : null;
  const edited = LAYOUTS.map((layout) => editFile(file, map, data, layout));
  // A block at the end of a file can need its line break.
  const texts = edited.flatMap((each) => [each, each + lineBreakOf(each)]);
  return texts.find((each) => hasExactly(each, file, data)) ?? null;
}

type Layout = { readonly place: "end" | "start"; readonly style: "block" | "quoted" };

/** Behind a block without a last line break a new key would give it one. A block takes in deeper comments below it, and can't be in braces. */
const LAYOUTS: readonly Layout[] = [
  { place: "end", style: "block" },
  { place: "start", style: "block" },
  { place: "end", style: "quoted" },
];

/** Whether the other documents of a file have only comments and directives, such as `%YAML 1.2`. */
function isAlone({ text, line }: ConfigMapFile): boolean {
  return splitDocuments(text).every((each) => each.line === line || !/^(?!---|%|[^\S\n]*#).*\S/m.test(each.text));
}

const NEW_OBJECT = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "aws-auth", namespace: "kube-system" } };

function jsonWith({ text, form, object: { data: _, ...others } }: ConfigMapFile, data: Data): unknown {
  const object = { ...(form === "bare" ? NEW_OBJECT : others), data };
  const whole = wholeJson(text);
  if (!isRecord(whole) || !Array.isArray(whole.items)) return object;
  return { ...whole, items: whole.items.with(whole.items.findIndex(isAwsAuth), object) };
}

function bareWith(data: Data): string {
  const { apiVersion, kind, metadata } = NEW_OBJECT;
  const { name, namespace } = metadata;
  const head = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\ndata:`;
  const lines = valueLines(Object.entries(data), 2, "\n");
  return `${head}${lines === "" ? " {}" : `\n${lines}`}\n`;
}

/** Whether it has this data, and all else as before: behind it, a block without a line break can get one. */
function hasExactly(text: string, { object }: ConfigMapFile, data: Data): boolean {
  const reading = readConfigMapFile(text);
  if (reading.type === "unusable" || !sameData(reading.file.data, data)) return false;
  const [after, before] = [reading.file.object, object].map((each) => JSON.stringify({ ...each, data: null }));
  return after === before;
}

function editFile(file: ConfigMapFile, map: MapValue, data: Data, { place, style }: Layout): string {
  const { text, dataMap, offset } = file;
  const edited = editLines(text.slice(offset), (part) => {
    if (dataMap === null || (dataMap.node.pairs.length === 0 && !map.node.flow)) return writeData(part, map, data);
    const { node, fields } = dataMap;
    const edits = [...fields].flatMap(([key, field]) => editValue(file, part, key, field.key, data[key], style));
    const added = Object.entries(data).filter(([key]) => !fields.has(key));
    if (node.flow) return [...edits, ...editBraces(part, dataMap, data, added)];
    const before = place === "end" ? node : map.fields.get("data")?.key;
    return added.length === 0 || !before ? edits : [...edits, addValues(part, before, node, added)];
  });
  return text.slice(0, offset) + edited;
}

/** Removes and adds keys within braces. */
function editBraces(
  part: string,
  { node, fields }: MapValue,
  data: Data,
  added: readonly (readonly [string, string])[],
): TextEdit[] {
  const gone = new Set([...fields].flatMap(([key, field]) => (Object.hasOwn(data, key) ? [] : [field.key])));
  const removed = new Set([...node.pairs.keys()].filter((index) => gone.has(node.pairs[index]?.key ?? node)));
  const items = node.pairs.map(({ key, value }) => ({ ...value, outer: key.outer }));
  const texts = added.map(([key, value]) => `${quote(key)}: ${quote(value)}`);
  return editList(part, { ...node, kind: "sequence", items, marks: [] }, removed, texts) ?? [];
}

/** Writes data that is absent or empty. */
function writeData(part: string, map: MapValue, data: Data): TextEdit[] {
  const { column } = map.node.start;
  const lineBreak = lineBreakOf(part);
  const lines = valueLines(Object.entries(data), column + 2, lineBreak);
  const field = map.fields.get("data");
  if (field === undefined)
    return [insertLines(afterLine(part, map.node.end), `${" ".repeat(column)}data:${lineBreak}${lines}`, lineBreak)];
  const { outer, end } = field.written;
  if (outer === end) return [insertLines(afterLine(part, field.key.end), lines, lineBreak)];
  const start = part.slice(0, outer).trimEnd().length;
  if (lines === "") return [{ start, end, text: " {}" }];
  return [{ start, end, text: "" }, insertLines(afterLine(part, end), lines, lineBreak)];
}

function editValue(
  file: ConfigMapFile,
  part: string,
  key: string,
  keyNode: YamlNode,
  wanted: string | undefined,
  style: Layout["style"],
): TextEdit[] {
  const node = file.nodes.get(key);
  if (node === undefined || wanted === file.data[key]) return [];
  if (wanted === undefined) return file.dataMap?.node.flow ? [] : [removeLines(part, keyNode.outer, node.end)];
  if (style === "quoted") return [replaceNode(part, node, quote(wanted))];
  return replaceScalar(part, node, wanted, keyNode.start.column);
}

function addValues(
  part: string,
  { end }: YamlNode,
  { start: { column } }: MappingNode,
  added: readonly (readonly [string, string])[],
): TextEdit {
  const lineBreak = lineBreakOf(part);
  return insertLines(afterLine(part, end), valueLines(added, column, lineBreak), lineBreak);
}

function valueLines(values: readonly (readonly [string, string])[], column: number, lineBreak: string): string {
  const pad = " ".repeat(column);
  return values
    .map(([key, value]) => `${pad}${keyText(key)}: ${blockText(value, `${pad}  `, lineBreak)}`)
    .join(lineBreak);
}

/** Without quotes only if no reader can take it for another value than text. */
function keyText(key: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(key) && resolvePlain(key).type === "string" ? key : quote(key);
}

/** A comment behind the value or the mark of a block stays there, and a block keeps its indentation. */
function replaceScalar(part: string, node: ScalarNode, value: string, column: number): TextEdit[] {
  const lineBreak = lineBreakOf(part);
  const block = node.style === "literal" || node.style === "folded" ? part.slice(node.start.at, node.end) : "";
  const [, pad = " ".repeat(column + 2)] = /\n( +)\S/.exec(block) ?? [];
  const [, comment = ""] = /^\S+([ \t]+#.*)/.exec(block) ?? [];
  const [bare = "", ...lines] = blockText(value, pad, lineBreak).split(lineBreak);
  const mark = bare + comment;
  if (lines.length === 0) return [replaceNode(part, node, mark)];
  if (isStartOfLine(part, node.end)) return [replaceNode(part, node, [mark, ...lines].join(lineBreak))];
  return [replaceNode(part, node, mark), insertLines(afterLine(part, node.end), lines.join(lineBreak), lineBreak)];
}

/** Characters that stay as they are in a literal block, except at the start of a line. */
const SAFE = /^[\t\n -~\u00a0-\u2027\u202a-\ufefe]*$/;

/** A text as a literal block, its lines behind `pad`, without its last break; in quotes if a block can't represent it. */
function blockText(value: string, pad: string, lineBreak: string): string {
  const fits = SAFE.test(value) && /^[^ \t\n].*\n/.test(value) && !value.endsWith("\n\n");
  if (!fits) return quote(value);
  const isEnded = value.endsWith("\n");
  const lines = (isEnded ? value.slice(0, -1) : value).split("\n");
  return [isEnded ? "|" : "|-", ...lines.map((line) => (line === "" ? "" : pad + line))].join(lineBreak);
}
