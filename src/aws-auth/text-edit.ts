import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import { parseJson } from "../access/seal.ts";
import type { Entry } from "./document.ts";
import { isBreak, LINE_BREAK } from "./go-yaml/cursor.ts";
import type { MappingNode, SequenceNode, YamlNode } from "./go-yaml/node.ts";

/** A piece of text, from `start` up to `end`, and its replacement. Offsets are UTF-16 units. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. Of two at one place, the removal comes first. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const inOrder = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const pieces: string[] = [];
  let at = 0;
  for (const edit of inOrder) {
    pieces.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** Offset of the start of the line after `at`, or the end of the text. An offset at the start of a line stays. */
export function afterLine(text: string, at: number): number {
  if (at > 0 && isStartOfLine(text, at)) return at;
  const found = LINE_BREAK.exec(text.slice(at));
  return found === null ? text.length : at + found.index + found[0].length;
}

export function startOfLine(text: string, at: number): number {
  let start = at;
  while (start > 0 && !isBreak(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

export function isStartOfLine(text: string, at: number): boolean {
  return at === 0 || isBreak(text.charCodeAt(at - 1));
}

/** The line break that a text uses: its first one that every reader takes for one, or else its first. */
export function lineBreakOf(text: string): string {
  return (/\r?\n/.exec(text) ?? LINE_BREAK.exec(text))?.[0] ?? "\n";
}

/** `edit` gets the text with its last line ended; the result ends like the original. Null: `edit` can't. */
export function editLines(text: string, edit: (whole: string) => readonly TextEdit[] | null): string | null {
  const missing = isStartOfLine(text, text.length) ? "" : lineBreakOf(text);
  const edits = edit(text + missing);
  if (edits === null) return null;
  const edited = applyEdits(text + missing, edits);
  return missing !== "" && edited.endsWith(missing) ? edited.slice(0, -missing.length) : edited;
}

/** Inserts whole lines, given without the break at their end, at the start of a line. */
export function insertLines(at: number, lines: string, lineBreak: string): TextEdit {
  return { start: at, end: at, text: lines + lineBreak };
}

export function removeLines(text: string, from: number, to: number): TextEdit {
  return { start: startOfLine(text, from), end: afterLine(text, to), text: "" };
}

/** The items of a list to remove, by their indexes, and the texts of those to add. */
type ListEditor = (
  text: string,
  list: SequenceNode,
  removed: ReadonlySet<number>,
  added: readonly string[],
  isLastWay?: boolean,
) => TextEdit[] | null;

/** The rest keeps its bytes. `text` ends with a line break in block style. Null: the list can't be edited so. */
export const editList: ListEditor = (text, list, ...edit) =>
  (list.flow ? editFlowList : editBlockList)(text, list, ...edit);

/** `added`: whole items, with `- ` and indentation, their lines ended by the text's own line break. */
const editBlockList: ListEditor = (text, list, removed, added, isLastWay) => {
  const edits: TextEdit[] = [];
  for (const [index, item] of list.items.entries()) {
    const dash = list.marks[index];
    if (!removed.has(index)) continue;
    if (dash === undefined || text.slice(startOfLine(text, dash.at), dash.at).trim() !== "") return null;
    edits.push(removeLines(text, dash.at, item.end));
    if (!isLastWay) continue;
    // Others' comments below it could become text of a block scalar before it.
    const start = afterLine(text, item.end);
    const [below] = /^(?:[ \t]*(?:#.*)?\r?\n)*/.exec(text.slice(start)) ?? [""];
    const outdented = below.replaceAll(/^[ \t]+(?=#)/gm, (indent) => indent.slice(0, dash.column));
    edits.push({ start, end: start + below.length, text: outdented });
  }
  if (added.length === 0) return edits;
  const lineBreak = lineBreakOf(text);
  return [...edits, insertLines(afterLine(text, list.end), added.join(lineBreak), lineBreak)];
};

/** As `editList`, for a list in brackets. `added`: items without commas. */
const editFlowList: ListEditor = (text, list, removed, added) => {
  const kept = list.items.filter((_, index) => !removed.has(index));
  const [first] = kept;
  const last = kept.at(-1);
  const separator = separatorOf(text, list);
  if (first === undefined || last === undefined) return [replaceAll(list, added.join(separator))];
  const edits = flowRemovals(list, removed, first);
  if (added.length === 0) return edits;
  return [...edits, { start: last.end, end: last.end, text: separator + added.join(separator) }];
};

/** If nothing replaces the items, the comma after the last one goes too. */
function replaceAll({ items, marks, start }: SequenceNode, text: string): TextEdit {
  const from = items[0]?.outer ?? start.at + 1;
  const to = items.at(-1)?.end ?? from;
  const comma = text === "" ? marks[items.length - 1] : undefined;
  return { start: from, end: comma === undefined ? to : comma.at + 1, text };
}

/** An item goes with the comma before it; those before the first remaining one go with the commas after them. */
function flowRemovals({ items }: SequenceNode, removed: ReadonlySet<number>, first: YamlNode): TextEdit[] {
  const edits: TextEdit[] = [{ start: (items[0] ?? first).outer, end: first.outer, text: "" }];
  let before = first;
  for (const [index, item] of items.entries()) {
    if (item.end <= first.end) continue;
    if (removed.has(index)) edits.push({ start: before.end, end: item.end, text: "" });
    before = item;
  }
  return edits;
}

/** The text between two items of the list: a comma, and this list's white space. */
function separatorOf(text: string, { items, start }: SequenceNode): string {
  const [before, last] = [items.at(-2), items.at(-1)];
  if (last === undefined) return ", ";
  const between =
    before === undefined ? `,${text.slice(start.at + 1, last.outer)}` : text.slice(before.end, last.outer);
  if (!/^,\s+$/.test(between)) return ", ";
  return between;
}

/** Quotes a text so that readers of YAML 1.1, YAML 1.2 and JSON read exactly that text: JSON's escapes are YAML's too, except `\/`. */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, escapeUnit);
}

/** Letters stay readable; invisible characters, and line breaks of YAML 1.1, are escaped. */
function escapeUnit(unit: string): string {
  return /[\p{L}\p{N}\p{P}\p{S}\p{Cs}]/u.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export function flowList(items: readonly string[]): string {
  return `[${items.map(quote).join(", ")}]`;
}

/** The text inside the quotes; null: `quote` never writes this. */
export function readQuoted(quoted: string): string | null {
  const value = parseJson(quoted);
  return typeof value === "string" ? value : null;
}

interface EntryStyle {
  readonly dash: number;
  /** The distance of the keys from the dash. */
  readonly keys: number;
  /** The distance of the groups' dashes from the keys. */
  readonly groups: number;
  readonly lineBreak: string;
}

export const DEFAULT_STYLE: EntryStyle = { dash: 0, keys: 2, groups: 2, lineBreak: "\n" };

/** The number of entries to learn the layout from, from the last one back. */
const LOOKED_AT = 20;

/** The layout of a block list, learned from its last entries. */
export function styleOf(list: SequenceNode, lineBreak: string): EntryStyle {
  const dash = list.marks.at(-1)?.column ?? DEFAULT_STYLE.dash;
  const last = list.items.slice(-LOOKED_AT).reverse();
  const keys = last.map(keysOffset(list)).find((offset) => offset !== null) ?? DEFAULT_STYLE.keys;
  const blocks = last.filter((item) => item.kind === "mapping").filter(({ flow }) => !flow);
  const groups = blocks.map(blockListOffset).find((offset) => offset !== null) ?? DEFAULT_STYLE.groups;
  return { dash, keys, groups, lineBreak };
}

function keysOffset(list: SequenceNode) {
  return (item: YamlNode): number | null => {
    const dash = list.marks[list.items.indexOf(item)];
    if (item.kind !== "mapping" || item.flow || dash?.line !== item.start.line) return null;
    return item.start.column - dash.column;
  };
}

function blockListOffset(item: MappingNode): number | null {
  for (const { value } of item.pairs) {
    const dash = value.kind === "sequence" && !value.flow ? value.marks[0] : undefined;
    if (dash !== undefined) return Math.max(dash.column - item.start.column, 0);
  }
  return null;
}

export interface AddedEntry extends Readonly<Pick<Entry, "arn" | "username" | "groups">> {
  readonly arnKey: string;
}

export function blockEntry({ arnKey, arn, username, groups }: AddedEntry, style: EntryStyle): string {
  const dash = `${" ".repeat(style.dash)}-${" ".repeat(style.keys - 1)}`;
  const pad = " ".repeat(style.dash + style.keys);
  const lines = [`${dash}${arnKey}: ${quote(arn)}`, `${pad}username: ${quote(username)}`];
  if (groups.length === 0) lines.push(`${pad}groups: []`);
  else lines.push(`${pad}groups:`, ...groups.map((group) => blockGroup(group, style.dash + style.keys + style.groups)));
  return lines.join(style.lineBreak);
}

/** A group as an item of a block list, its dash at `column`. */
export function blockGroup(group: string, column: number): string {
  return `${" ".repeat(column)}- ${quote(group)}`;
}

/** An entry as an item of a flow list: JSON, so that a section written as JSON stays JSON. */
export function flowEntry({ arnKey, arn, username, groups }: AddedEntry): string {
  return `{${quote(arnKey)}: ${quote(arn)}, "username": ${quote(username)}, "groups": [${groups.map(quote).join(", ")}]}`;
}

/** Above this number of differences they become one block: the shortest script takes long and is unreadable. */
const maxEditLength = 1000;

/** Lines shown before and after a difference. */
const context = 3;

/** A unified diff of two texts, as `diff -u` writes it; empty: they are equal. Null as a text: it is absent. */
export function unifiedDiff(name: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const names = [before === null ? "/dev/null" : `a/${name}`, after === null ? "/dev/null" : `b/${name}`] as const;
  const { texts, linesBefore } = changedPart(before ?? "", after ?? "");
  const patch = structuredPatch(...names, ...texts, undefined, undefined, { context, maxEditLength });
  const { hunks, ...head } = patch ?? asOneBlock(names, texts);
  const moved = hunks.map((hunk) => {
    return { ...hunk, oldStart: hunk.oldStart + linesBefore, newStart: hunk.newStart + linesBefore };
  });
  return formatPatch({ ...head, hunks: moved }, FILE_HEADERS_ONLY);
}

/** More lines than are shown around a difference: where lines are equal, it can have several places. */
const around = 10;

/** The lines that differ, and some around them: a document can have half a million lines. */
function changedPart(before: string, after: string) {
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before.charCodeAt(same) === after.charCodeAt(same)) same += 1;
  let start = same;
  for (let ends = 0; start > 0; start -= 1) {
    if (before[start - 1] === "\n") ends += 1;
    if (ends > around) break;
  }
  let tail = 0;
  while (tail < shorter - same && before.at(-tail - 1) === after.at(-tail - 1)) tail += 1;
  for (let ends = 0; tail > 0 && ends <= around; tail -= 1) if (before.at(-tail) === "\n") ends += 1;
  const texts = [before.slice(start, before.length - tail), after.slice(start, after.length - tail)] as const;
  return { texts, linesBefore: before.slice(0, start).split("\n").length - 1 };
}

function asOneBlock(names: readonly [string, string], [before, after]: readonly [string, string]) {
  const removed = structuredPatch(...names, before, "").hunks.flatMap(({ lines }) => lines);
  const added = structuredPatch(...names, "", after).hunks.flatMap(({ lines }) => lines);
  const count = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("\\")).length;
  const hunk = { oldStart: 1, oldLines: count(removed), newStart: 1, newLines: count(added) };
  return { ...structuredPatch(...names, "", ""), hunks: [{ ...hunk, lines: [...removed, ...added] }] };
}
