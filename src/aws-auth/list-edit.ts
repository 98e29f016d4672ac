import type { SequenceNode, YamlNode } from "./go-yaml/node.ts";
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
  for (const [index, item] of list.items.entries()) {
    const dash = list.marks[index];
    if (!removed.has(index)) continue;
    if (dash === undefined || !ownsItsLine(text, dash.at)) return null;
    edits.push(removeLines(text, dash.at, item.end));
  }
  if (added.length === 0) return edits;
  const lineBreak = lineBreakOf(text);
  return [...edits, insertLines(afterLine(text, list.end), added.join(lineBreak), lineBreak)];
}

function ownsItsLine(text: string, at: number): boolean {
  return text.slice(startOfLine(text, at), at).trim() === "";
}

/** As `editList`, for a list in brackets. `added` are items without commas. */
function editFlowList(
  text: string,
  list: SequenceNode,
  removed: ReadonlySet<number>,
  added: readonly string[],
): TextEdit[] {
  const kept = list.items.filter((_, index) => !removed.has(index));
  const [first] = kept;
  const last = kept.at(-1);
  const separator = separatorOf(text, list);
  if (first === undefined || last === undefined) return [replaceAll(list, added.join(separator))];
  const edits = flowRemovals(list, removed, first);
  if (added.length === 0) return edits;
  return [...edits, { start: last.end, end: last.end, text: separator + added.join(separator) }];
}

/** Where nothing takes the place of the items, the comma behind the last one goes too. */
function replaceAll({ items, marks, start }: SequenceNode, text: string): TextEdit {
  const from = items[0]?.outer ?? start.at + 1;
  const to = items.at(-1)?.end ?? from;
  const comma = text === "" ? marks[items.length - 1] : undefined;
  return { start: from, end: comma === undefined ? to : comma.at + 1, text };
}

/** An item goes with the comma before it; those before the first one that stays go with the commas behind them. */
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

/** What stands between two items of the list: a comma, and the white space that this list has there. */
function separatorOf(text: string, { items, start }: SequenceNode): string {
  const [before, last] = [items.at(-2), items.at(-1)];
  if (last === undefined) return ", ";
  const between =
    before === undefined ? `,${text.slice(start.at + 1, last.outer)}` : text.slice(before.end, last.outer);
  if (!/^,\s+$/.test(between)) return ", ";
  return between;
}
