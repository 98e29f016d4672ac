import type { SequenceNode } from "./go-yaml/node.ts";
import { afterLine, insertLines, lineBreakOf, removeLines, startOfLine, type TextEdit } from "./text-edit.ts";

/**
 * Takes items out of a list and puts new ones at its end. What stays keeps its bytes. `text` ends with a line break if
 * the list is in block style. Null where the list can't be edited so.
 */
export function editList(
  text: string,
  list: SequenceNode,
  removed: ReadonlySet<number>,
  added: readonly string[],
): TextEdit[] | null {
  if (removed.size === 0 && added.length === 0) return [];
  return list.flow ? editFlowList(text, list, removed, added) : editBlockList(text, list, removed, added);
}

/** `added` are whole items, `- ` and indentation included, their lines broken by the text's own line break. */
function editBlockList(
  text: string,
  list: SequenceNode,
  removed: ReadonlySet<number>,
  added: readonly string[],
): TextEdit[] | null {
  const edits: TextEdit[] = [];
  for (const index of removed) {
    const dash = list.marks[index];
    const item = list.items[index];
    if (dash === undefined || item === undefined || !ownsItsLine(text, dash.at)) return null;
    edits.push(removeLines(text, dash.at, item.end));
  }
  const last = list.items.at(-1);
  if (added.length > 0 && last !== undefined) {
    const lineBreak = lineBreakOf(text);
    edits.push(insertLines(afterLine(text, last.end), added.join(lineBreak), lineBreak));
  }
  return edits;
}

function ownsItsLine(text: string, at: number): boolean {
  return text.slice(startOfLine(text, at), at).trim() === "";
}

/** `added` are items without commas. */
function editFlowList(
  text: string,
  list: SequenceNode,
  removed: ReadonlySet<number>,
  added: readonly string[],
): TextEdit[] {
  const { items } = list;
  const kept = items.flatMap((_, index) => (removed.has(index) ? [] : [index]));
  const edits = flowRemovals(list, removed, kept);
  if (added.length === 0) return edits;
  const separator = separatorOf(text, list);
  const last = kept.at(-1);
  const at = last === undefined ? list.start.at + 1 : (items[last]?.end ?? 0);
  const inserted = added.join(separator);
  if (last === undefined && items.length > 0) {
    const from = items[0]?.outer ?? at;
    return [{ start: from, end: items.at(-1)?.end ?? from, text: inserted }];
  }
  edits.push({ start: at, end: at, text: last === undefined ? inserted : separator + inserted });
  return edits;
}

/** An item goes with the comma before it; where none stays before it, with the comma after it. */
function flowRemovals(list: SequenceNode, removed: ReadonlySet<number>, kept: readonly number[]): TextEdit[] {
  if (removed.size === 0) return [];
  const { items, marks } = list;
  const outer = (index: number) => items[index]?.outer ?? 0;
  const end = (index: number) => items[index]?.end ?? 0;
  const first = kept[0];
  if (first === undefined) {
    const commaAfter = marks[items.length - 1];
    return [{ start: outer(0), end: commaAfter === undefined ? end(items.length - 1) : commaAfter.at + 1, text: "" }];
  }
  const edits: TextEdit[] = first > 0 ? [{ start: outer(0), end: outer(first), text: "" }] : [];
  for (const index of removed) if (index > first) edits.push({ start: end(index - 1), end: end(index), text: "" });
  return edits;
}

/** What stands between two items of the list: a comma, and the white space that this list has there. */
function separatorOf(text: string, { items, start }: SequenceNode): string {
  const [before, last] = [items.at(-2), items.at(-1)];
  if (last === undefined) return ", ";
  const between =
    before === undefined ? `,${text.slice(start.at + 1, last.outer)}` : text.slice(before.end, last.outer);
  if (!/^,\s+$/.test(between)) return ", ";
  return between;
}
