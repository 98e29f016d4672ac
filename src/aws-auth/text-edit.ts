import type { SequenceNode, YamlNode } from "./go-yaml/node.ts";

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

const BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g;

/** Offset of the start of the line after `at`, or the end of the text. An offset at the start of a line stays. */
export function afterLine(text: string, at: number): number {
  if (at > 0 && isStartOfLine(text, at)) return at;
  BREAK.lastIndex = at;
  const found = BREAK.exec(text);
  return found === null ? text.length : found.index + found[0].length;
}

export function startOfLine(text: string, at: number): number {
  let start = at;
  while (start > 0 && !isBreakUnit(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

export function isStartOfLine(text: string, at: number): boolean {
  return at === 0 || isBreakUnit(text.charCodeAt(at - 1));
}

/** The line break that a text uses: its first one that every reader takes for one, or else its first. */
export function lineBreakOf(text: string): string {
  BREAK.lastIndex = 0;
  return (/\r?\n/.exec(text) ?? BREAK.exec(text))?.[0] ?? "\n";
}

function isBreakUnit(unit: number): boolean {
  return unit === 0x0a || unit === 0x0d || unit === 0x85 || unit === 0x2028 || unit === 0x2029;
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
) => TextEdit[] | null;

/** The rest keeps its bytes. `text` ends with a line break in block style. Null: the list can't be edited so. */
export const editList: ListEditor = (text, list, removed, added) =>
  (list.flow ? editFlowList : editBlockList)(text, list, removed, added);

/** `added`: whole items, with `- ` and indentation, their lines ended by the text's own line break. */
const editBlockList: ListEditor = (text, list, removed, added) => {
  const edits: TextEdit[] = [];
  for (const [index, item] of list.items.entries()) {
    const dash = list.marks[index];
    if (!removed.has(index)) continue;
    if (dash === undefined || !ownsItsLine(text, dash.at)) return null;
    edits.push(removeLines(text, dash.at, item.end));
  }
  if (added.length === 0) return edits;
  const lineBreak = lineBreakOf(text);
  return [...edits, insertLines(afterLine(text, list.end), added.join(lineBreak), lineBreak)];
};

function ownsItsLine(text: string, at: number): boolean {
  return text.slice(startOfLine(text, at), at).trim() === "";
}

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
