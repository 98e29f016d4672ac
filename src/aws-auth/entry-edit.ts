import type { Entry, SectionReading } from "./document.ts";
import { blockGroup, styleOf } from "./entry-style.ts";
import { type FieldName, type FieldUse, fieldUses } from "./field.ts";
import type { MappingNode, SequenceNode } from "./go-yaml/node.ts";
import { editList } from "./list-edit.ts";
import { flowList, quote } from "./quote.ts";
import { afterLine, insertLines, isStartOfLine, lineBreakOf, removeLines, type TextEdit } from "./text-edit.ts";

/** What an entry is to say. */
export interface Wanted {
  readonly username: string;
  readonly groups: readonly string[];
}

/** The place of an edit: the section's text, and the entry's own mapping in it. */
interface Place {
  readonly text: string;
  readonly list: SequenceNode;
  readonly mapping: MappingNode;
  readonly uses: readonly FieldUse[];
}

/** The edits that make an entry say what is wanted; null where it is not written as a mapping of its own. */
export function editEntry(reading: SectionReading, entry: Entry, wanted: Wanted): TextEdit[] | null {
  const place = placeOf(reading, entry);
  if (place === null) return null;
  const edits: TextEdit[] = [];
  if (entry.username !== wanted.username) edits.push(...editUsername(place, wanted.username));
  if (!sameGroups(entry.groups, wanted.groups)) edits.push(...editGroups(place, entry.groups, wanted.groups));
  return edits;
}

export function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((group) => set.has(group));
}

function placeOf({ text, list, items, section }: SectionReading, entry: Entry): Place | null {
  const mapping = list?.items[entry.index];
  const value = items[entry.index];
  if (text === null || list === null || mapping?.kind !== "mapping" || value?.type !== "map") return null;
  return { text, list, mapping, uses: fieldUses(value, section) };
}

/** The use of a field that counts, if it is written in this mapping. */
function useOf({ uses }: Place, name: FieldName): FieldUse | null {
  const use = uses.filter((field) => field.name === name).at(-1);
  return use === undefined || use.merged ? null : use;
}

function editUsername(place: Place, username: string): TextEdit[] {
  const use = useOf(place, "username");
  return use === null ? [addField(place, `username: ${quote(username)}`)] : [replaceValue(place, use, quote(username))];
}

/** Puts a value in another's place. A block scalar takes its line breaks with it, an empty value has no space before it. */
function replaceValue({ text }: Place, { written }: FieldUse, value: string): TextEdit {
  const isBlock = written.kind === "scalar" && (written.style === "literal" || written.style === "folded");
  const before = written.outer === written.end ? " " : "";
  const after = isBlock && isStartOfLine(text, written.end) ? lineBreakOf(text) : "";
  return { start: written.outer, end: written.end, text: before + value + after };
}

/**
 * Groups that stay keep their bytes, new ones come at the end. Where there was no field, the list is written with
 * spaces inside its brackets: that marks it as ours, to be taken away whole when its last group goes.
 */
function editGroups(place: Place, before: readonly string[], wanted: readonly string[]): TextEdit[] {
  const use = useOf(place, "groups");
  if (use === null) return [addField(place, `groups: [ ${wanted.map(quote).join(", ")} ]`)];
  const list = use.written;
  const added = [...new Set(wanted)].filter((group) => !before.includes(group));
  if (list.kind === "scalar" && list.outer === list.end) return [fillEmpty(place, use, wanted)];
  if (list.kind !== "sequence" || use.value.type !== "list") return [replaceValue(place, use, flowList(wanted))];
  if (wanted.length === 0 && isOurs(place, list)) return [removeField(place, use)];
  const removed = new Set<number>();
  use.value.items.forEach((item, index) => {
    if (item.type !== "string" || !wanted.includes(item.value)) removed.add(index);
  });
  const column = list.marks[0]?.column ?? 0;
  const items = list.flow ? added.map(quote) : added.map((group) => blockGroup(group, column));
  return editList(place.text, list, removed, items) ?? [replaceValue(place, use, flowList(wanted))];
}

function isOurs({ text }: Place, list: SequenceNode): boolean {
  return list.flow && /^\[ \S.* \]$/.test(text.slice(list.start.at, list.end));
}

/** `groups:` with nothing behind it gets its items below, so that taking them away leaves it as it was. */
function fillEmpty(place: Place, use: FieldUse, groups: readonly string[]): TextEdit {
  if (place.mapping.flow) return replaceValue(place, use, flowList(groups));
  const { text } = place;
  const lineBreak = lineBreakOf(text);
  const column = use.key.start.column + styleOf(place.list, lineBreak).groups;
  const lines = groups.map((group) => blockGroup(group, column)).join(lineBreak);
  return insertLines(text, afterLine(text, use.written.end), lines, lineBreak);
}

function addField({ text, mapping }: Place, field: string): TextEdit {
  const last = mapping.pairs.at(-1);
  if (mapping.flow || last === undefined) {
    const at = last?.value.end ?? mapping.start.at + 1;
    const quoted = field.replace(/^\w+/, (key) => quote(key));
    return { start: at, end: at, text: last === undefined ? quoted : `, ${quoted}` };
  }
  const line = " ".repeat(mapping.start.column) + field;
  return insertLines(text, afterLine(text, last.value.end), line, lineBreakOf(text));
}

function removeField({ text, mapping }: Place, { key, written }: FieldUse): TextEdit {
  if (!mapping.flow) return removeLines(text, key.outer, written.end);
  const index = mapping.pairs.findIndex((pair) => pair.key === key);
  const before = mapping.pairs[index - 1];
  return { start: before?.value.end ?? key.outer, end: written.end, text: "" };
}
