import { addField, type EntryPlace, groupsAfter, removeField, replaceValue, useOf } from "./entry-place.ts";
import { blockGroup, styleOf } from "./entry-style.ts";
import type { FieldUse } from "./field.ts";
import type { SequenceNode } from "./go-yaml/node.ts";
import { editList } from "./list-edit.ts";
import { flowList, quote } from "./quote.ts";
import { sameGroups } from "./same-groups.ts";
import { afterLine, insertLines, lineBreakOf, type TextEdit } from "./text-edit.ts";

/**
 * The edits that give an entry these groups. Groups that stay keep their bytes, new ones come at the end; and a later
 * edit back to the groups of before gives back the bytes of before, whatever they were.
 */
export function editGroups(place: EntryPlace, wanted: readonly string[]): TextEdit[] {
  const use = useOf(place, "groups");
  // Spaces inside the brackets mark a list as ours: there was no such field, so it goes when nothing keeps it.
  if (use === null) return [addField(place, "groups", `[ ${wanted.map(quote).join(", ")} ]`)];
  const list = use.written;
  if (list.kind === "scalar" && list.outer === list.end) return [fillEmpty(place, use, wanted)];
  if (list.kind !== "sequence" || use.value.type !== "list") return [replaceNoted(place, use, wanted)];
  return restore(place, use, list, wanted) ?? editItems(place, use, list, wanted);
}

function editItems(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] {
  const { groups } = place.entry;
  const removed = new Set([...list.items.keys()].filter((index) => !wanted.includes(groups[index] ?? "")));
  const added = [...new Set(wanted)].filter((group) => !groups.includes(group));
  const column = list.marks[0]?.column ?? 0;
  const items = list.flow ? added.map(quote) : added.map((group) => blockGroup(group, column));
  return editList(place.text, list, removed, items) ?? [replaceValue(place, use, flowList(wanted))];
}

/** `groups:` with nothing behind it gets its items below, so that taking them away leaves it as it was. */
function fillEmpty(place: EntryPlace, use: FieldUse, groups: readonly string[]): TextEdit {
  if (place.mapping.flow) return replaceValue(place, use, flowList(groups));
  const { text } = place;
  const lineBreak = lineBreakOf(text);
  const column = place.mapping.start.column + styleOf(place.list, lineBreak).groups;
  const lines = groups.map((group) => blockGroup(group, column)).join(lineBreak);
  return insertLines(afterLine(text, use.written.end), lines, lineBreak);
}

/** What stands behind a list that took the place of something else: an alias, say, which can't be added to. */
const NOTE = /^ # Before: ("(?:[^"\\]|\\.)*")/;

function replaceNoted(place: EntryPlace, use: FieldUse, groups: readonly string[]): TextEdit {
  const raw = place.text.slice(use.written.outer, use.written.end);
  const mayBeNoted = !place.mapping.flow && !/[\n\r\u0085\u2028\u2029]/.test(raw);
  return replaceValue(place, use, flowList(groups) + (mayBeNoted ? ` # Before: ${quote(raw)}` : ""));
}

/** The edit that brings back what there was before our list, if that says what is wanted now. */
function restore(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] | null {
  const { text } = place;
  const note = NOTE.exec(text.slice(list.end, afterLine(text, list.end)));
  const isOurs = list.flow && /^\[ \S.* \]$/.test(text.slice(list.start.at, list.end));
  const edit = note === null ? removeField(place, use) : unNote(list, note);
  if (edit === null || (note === null && !isOurs)) return null;
  const groups = groupsAfter(place, edit);
  return groups !== null && sameGroups(groups, wanted) ? [edit] : null;
}

function unNote(list: SequenceNode, [whole, json = ""]: RegExpExecArray): TextEdit | null {
  try {
    const raw: unknown = JSON.parse(json);
    return typeof raw === "string" ? { start: list.outer, end: list.end + whole.length, text: raw } : null;
  } catch {
    return null;
  }
}
