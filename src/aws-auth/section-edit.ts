import type { Entry, SectionReading } from "./document.ts";
import { editEntry, type Wanted } from "./entry-edit.ts";
import { blockEntry, DEFAULT_STYLE, type EntryStyle, flowEntry, type NewEntry, styleOf } from "./entry-style.ts";
import type { SequenceNode } from "./go-yaml/node.ts";
import { editList } from "./list-edit.ts";
import { applyEdits, insertLines, lineBreakOf, startOfLine, type TextEdit } from "./text-edit.ts";

/** All that is to change in one section. */
export interface SectionChange {
  readonly removed: readonly Entry[];
  readonly edited: readonly { readonly entry: Entry; readonly wanted: Wanted }[];
  readonly added: readonly NewEntry[];
}

/**
 * The texts that a section may have after a change, the one to try first at the front; null stands for no section.
 * Which of them says what is wanted, and nothing else, is for the caller to see by reading them.
 */
export function editSection(reading: SectionReading, change: SectionChange): (string | null)[] {
  const { text, list } = reading;
  if (list === null || list.items.length === 0) return fillSection(reading, change.added);
  const edits: TextEdit[] = [];
  for (const { entry, wanted } of change.edited) edits.push(...(editEntry(reading, entry, wanted) ?? []));
  const removed = new Set(change.removed.map((entry) => entry.index));
  const style = styleOf(list, lineBreakOf(text ?? ""));
  const items = change.added.map((entry) => (list.flow ? flowEntry(entry) : blockEntry(entry, style)));
  const atEnd = editList(text ?? "", list, removed, items);
  if (atEnd === null) return [];
  const candidates = [restoreEmpty(applyEdits(text ?? "", [...edits, ...atEnd]), removed.size > 0)];
  const first = list.marks[0];
  if (items.length > 0 && !list.flow && first !== undefined) {
    // A block scalar at the very end of a text changes its value when anything is put behind it.
    const removals = editList(text ?? "", list, removed, []) ?? [];
    const at = startOfLine(text ?? "", first.at);
    const before = insertLines(text ?? "", at, items.join(style.lineBreak), style.lineBreak);
    candidates.push(applyEdits(text ?? "", [...edits, ...removals, before]));
  }
  return candidates;
}

const REMINDER = "# Empty before: ";

/** A section that holds no entry yet. What it held is kept, or noted, so that taking the entry away gives it back. */
function fillSection({ text, list }: SectionReading, added: readonly NewEntry[]): (string | null)[] {
  if (added.length === 0) return [text];
  if (text !== null && list !== null) return [fillFlowList(text, list, added)];
  if (text === null) return [blockEntries(added, DEFAULT_STYLE)];
  const style = { ...DEFAULT_STYLE, lineBreak: lineBreakOf(text) };
  const lines = added.map((entry) => blockEntry(entry, style)).join(style.lineBreak);
  const below = applyEdits(text, [insertLines(text, text.length, lines, style.lineBreak)]);
  const noted = `${REMINDER}${JSON.stringify(text)}${style.lineBreak}${blockEntries(added, style)}`;
  return text === "" ? [noted] : [below, noted];
}

function blockEntries(added: readonly NewEntry[], style: EntryStyle): string {
  return added.map((entry) => blockEntry(entry, style) + style.lineBreak).join("");
}

function fillFlowList(text: string, list: SequenceNode, added: readonly NewEntry[]): string {
  return applyEdits(text, editList(text, list, new Set(), added.map(flowEntry)) ?? []);
}

/** What is left when the last entry has gone: nothing at all means no section; our reminder says what there was. */
function restoreEmpty(text: string, isRemoval: boolean): string | null {
  if (!isRemoval) return text;
  if (text === "") return null;
  const [line = "", ...rest] = text.split(/\r\n|[\n\r]/);
  if (!line.startsWith(REMINDER) || rest.join("") !== "") return text;
  return parseReminder(line.slice(REMINDER.length)) ?? text;
}

function parseReminder(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
