import type { Entry, ListReading, SectionReading } from "./document.ts";
import { editEntry, type Wanted } from "./entry-edit.ts";
import { blockEntry, flowEntry, type NewEntry, styleOf } from "./entry-style.ts";
import { fillSection, restoreEmpty } from "./fill-section.ts";
import { editList } from "./list-edit.ts";
import { editLines, insertLines, lineBreakOf, startOfLine, type TextEdit } from "./text-edit.ts";

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
  if (text === null || list === null) return fillSection(text, change.added);
  // A block scalar at the very end of a text changes its value when anything is put behind it.
  return [false, true].flatMap((inFront) => {
    const edited = editLines(text, (whole) => edits({ ...reading, text: whole, list }, change, inFront));
    return edited === null ? [] : [restoreEmpty(edited)];
  });
}

function edits(reading: ListReading, { removed, edited, added }: SectionChange, inFront: boolean): TextEdit[] | null {
  const { text, list } = reading;
  const style = styleOf(list, lineBreakOf(text));
  const items = added.map((entry) => (list.flow ? flowEntry(entry) : blockEntry(entry, style)));
  const indexes = new Set(removed.map((entry) => entry.index));
  const listEdits = editList(text, list, indexes, inFront ? [] : items);
  if (listEdits === null) return null;
  const entryEdits = edited.flatMap(({ entry, wanted }) => editEntry(reading, entry, wanted, inFront) ?? []);
  const first = list.marks[0];
  if (!inFront || items.length === 0 || first === undefined) return [...entryEdits, ...listEdits];
  const front = insertLines(startOfLine(text, first.at), items.join(style.lineBreak), style.lineBreak);
  return [front, ...entryEdits, ...listEdits];
}
