import { addField, type EntryPlace, groupsAfter, removeField, replaceNode, useOf } from "./entry-place.ts";
import { blockGroup, styleOf } from "./entry-style.ts";
import type { FieldUse } from "./field.ts";
import type { SequenceNode, YamlNode } from "./go-yaml/node.ts";
import { editList } from "./list-edit.ts";
import { flowList, quote, readQuoted } from "./quote.ts";
import { sameGroups } from "./same-groups.ts";
import { afterLine, insertLines, isStartOfLine, lineBreakOf, startOfLine, type TextEdit } from "./text-edit.ts";

/**
 * The edits that give an entry these groups. Groups that stay keep their bytes, new ones come at the end; and a later
 * edit back to the groups of before gives back the bytes of before, whatever they were.
 */
export function editGroups(place: EntryPlace, wanted: readonly string[]): TextEdit[] {
  const use = useOf(place, "groups");
  // Spaces inside the brackets mark a list as ours: there was no such field, so it goes when nothing keeps it.
  if (use === null) return [addField(place, "groups", `[ ${wanted.map(quote).join(", ")} ]`)];
  const { written } = use;
  if (written.kind === "sequence")
    return restore(place, use, written, wanted) ?? editItems(place, use, written, wanted);
  const isEmpty = written.outer === written.end;
  return [isEmpty && !place.mapping.flow ? fillEmpty(place, written, wanted) : replaceNoted(place, use, wanted)];
}

function editItems(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] {
  const { groups } = place.entry;
  const removed = new Set([...list.items.keys()].filter((index) => !wanted.includes(groups[index] ?? "")));
  const added = wanted.filter((group) => !groups.includes(group));
  const column = list.marks[0]?.column ?? 0;
  const items = list.flow ? added.map(quote) : added.map((group) => blockGroup(group, column));
  const first = list.marks[0]?.at;
  if (place.inFront && !list.flow && first !== undefined) {
    const lineBreak = lineBreakOf(place.text);
    const front = insertLines(startOfLine(place.text, first), items.join(lineBreak), lineBreak);
    return [...(items.length === 0 ? [] : [front]), ...(editList(place.text, list, removed, []) ?? [])];
  }
  return editList(place.text, list, removed, items) ?? [replaceNode(place.text, use.written, flowList(wanted))];
}

/** `groups:` with nothing behind it gets its items below, so that taking them away leaves it as it was. */
function fillEmpty({ text, mapping, list }: EntryPlace, empty: YamlNode, groups: readonly string[]): TextEdit {
  const lineBreak = lineBreakOf(text);
  const column = mapping.start.column + styleOf(list, lineBreak).groups;
  const lines = groups.map((group) => blockGroup(group, column)).join(lineBreak);
  return insertLines(afterLine(text, empty.end), lines, lineBreak);
}

/** What stands behind a list that took the place of something else: an alias, say, which can't be added to. */
const NOTE = /^ # Before: ("(?:[^"\\]|\\.)*")/;

/** The same within braces, where a comment would have to end the line: a field, which keeps JSON what it is. */
const NOTE_FIELD = "before-eks-access";

function replaceNoted(place: EntryPlace, use: FieldUse, groups: readonly string[]): TextEdit {
  const raw = quote(place.text.slice(use.written.outer, use.written.end));
  const note = place.mapping.flow ? `, ${quote(NOTE_FIELD)}: ${raw}` : ` # Before: ${raw}`;
  return replaceNode(place.text, use.written, flowList(groups) + note);
}

/** The edit that brings back what there was before our list, if that says what is wanted now. */
function restore(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] | null {
  const edit = place.mapping.flow ? unNoteField(place, use, list) : unNote(place, list);
  const undo = edit ?? (isOurs(place, list) ? removeField(place, use) : null);
  if (undo === null) return null;
  const groups = groupsAfter(place, undo);
  return groups !== null && sameGroups(groups, wanted) ? [undo] : null;
}

function isOurs({ text }: EntryPlace, list: SequenceNode): boolean {
  return list.flow && /^\[ \S.* \]$/.test(text.slice(list.start.at, list.end));
}

function unNote({ text }: EntryPlace, list: SequenceNode): TextEdit | null {
  const [note = "", json = ""] = NOTE.exec(text.slice(list.end, afterLine(text, list.end))) ?? [];
  const raw = readQuoted(json);
  if (raw === null) return null;
  const end = list.end + note.length;
  // A block scalar had the break at its end within it, and the list that replaced it got one of its own.
  return { start: list.outer, end: isStartOfLine(raw, raw.length) ? afterLine(text, end) : end, text: raw };
}

function unNoteField({ mapping: { pairs } }: EntryPlace, use: FieldUse, list: SequenceNode): TextEdit | null {
  const note = pairs[pairs.findIndex(({ key }) => key === use.key) + 1];
  if (note?.key.kind !== "scalar" || note.key.value !== NOTE_FIELD || note.value.kind !== "scalar") return null;
  // An empty value had no space before it, and the list that replaced it got one.
  const start = note.value.value === "" ? list.outer - 1 : list.outer;
  return { start, end: note.value.end, text: note.value.value };
}
