import { type FieldUse, fieldUses, lastUse } from "./decode-entry.ts";
import { type Entry, type FieldName, fieldKey, type ListReading, type Section, sameGroups } from "./document.ts";
import { decodeAgain } from "./go-yaml/decode.ts";
import type { MappingNode, SequenceNode, YamlNode } from "./go-yaml/node.ts";
import { readSection } from "./read-document.ts";
import {
  afterLine,
  applyEdits,
  blockGroup,
  editList,
  flowList,
  insertLines,
  isStartOfLine,
  lineBreakOf,
  quote,
  readQuoted,
  removeLines,
  startOfLine,
  styleOf,
  type TextEdit,
} from "./text-edit.ts";

interface EntryPlace {
  readonly section: Section;
  readonly text: string;
  readonly list: SequenceNode;
  readonly mapping: MappingNode;
  readonly entry: Entry;
  readonly uses: readonly FieldUse[];
  /** 1: additions go before the last field or group; at the end of the text they could become part of its value. 2: others' comments move, too. */
  readonly attempt: number;
}

/** The place of an entry; null: it is not written as a mapping of its own, for example as an alias. */
export function entryPlace({ text, list, section }: ListReading, entry: Entry, attempt: number): EntryPlace | null {
  const mapping = list.items[entry.index];
  const value = mapping && decodeAgain(mapping);
  if (mapping?.kind !== "mapping" || value?.type !== "map") return null;
  return { section, text, list, mapping, entry, uses: fieldUses(value, section), attempt };
}

/** The use of a field that counts; null: it is not in this mapping. */
export function useOf({ uses }: EntryPlace, name: FieldName): FieldUse | null {
  const use = lastUse(uses, name);
  return use === undefined || use.merged ? null : use;
}

/** Replaces a value. A block scalar takes its line breaks along; an empty value has no space before it. */
export function replaceNode(text: string, { outer: start, end }: YamlNode, value: string): TextEdit {
  if (start === end) return { start, end, text: ` ${value}` };
  return { start, end, text: isStartOfLine(text, end) ? value + lineBreakOf(text) : value };
}

/** Adds a field at the end of the mapping, where it also beats a `<<` before it. */
export function addField({ text, section, mapping, attempt }: EntryPlace, name: FieldName, value: string): TextEdit {
  const key = fieldKey(name, section);
  if (mapping.flow) {
    const at = mapping.pairs.at(-1)?.value.end ?? mapping.end;
    return { start: at, end: at, text: `, ${quote(key)}: ${value}` };
  }
  const pad = " ".repeat(mapping.start.column);
  const line = `${pad}${key}: ${value}`;
  const last = mapping.pairs.at(-1)?.key.outer;
  if (attempt > 0 && last !== undefined)
    return { start: last, end: last, text: `${line.trimStart()}${lineBreakOf(text)}${pad}` };
  return insertLines(afterLine(text, mapping.end), line, lineBreakOf(text));
}

function removeField({ text, mapping }: EntryPlace, { key, written }: FieldUse): TextEdit {
  const index = mapping.pairs.findIndex((pair) => pair.key === key);
  const next = mapping.pairs[index + 1]?.key.outer;
  // The dash before the first field stays.
  if (!mapping.flow && index === 0 && next !== undefined) return { start: key.outer, end: next, text: "" };
  if (!mapping.flow) return removeLines(text, key.outer, written.end);
  return { start: mapping.pairs[index - 1]?.value.end ?? key.outer, end: written.end, text: "" };
}

/** The entry after an edit; null: the section would be unreadable. */
function placeAfter({ section, text, entry }: EntryPlace, edit: TextEdit): EntryPlace | null {
  const edited = applyEdits(text, [edit]);
  const { items, reading } = readSection(section, edited);
  const found = items.find((item) => item.entry.index === entry.index)?.entry;
  return found && reading.list ? entryPlace({ ...reading, text: edited, list: reading.list }, found, 0) : null;
}

/**
 * The edits that give an entry these groups. Groups that stay keep their bytes, so that a later edit back restores the old bytes.
 * @param isPartly the noted text does not come back yet: an alias can give a part of ours that its other entries have for now
 */
export function editGroups(place: EntryPlace, wanted: readonly string[], isPartly = false): TextEdit[] {
  const use = useOf(place, "groups");
  // Spaces inside the brackets mark a list as ours: the field was absent, so it goes with its last group.
  if (use === null) return [addField(place, "groups", `[ ${wanted.map(quote).join(", ")} ]`)];
  const { written } = use;
  if (written.kind === "sequence" && !hasBareTag(written))
    return (isPartly ? null : restore(place, use, written, wanted)) ?? editItems(place, use, written, wanted);
  const isEmpty = written.outer === written.end;
  return [isEmpty && !place.mapping.flow ? fillEmpty(place, written, wanted) : replaceWithNote(place, use, wanted)];
}

/** Whether an item is a tag without text: a comma right after it would be a part of it. */
function hasBareTag({ flow, items }: SequenceNode): boolean {
  const isBare = (item: YamlNode) =>
    item.kind === "scalar" && item.style === "plain" && item.value === "" && item.outer < item.end;
  return flow && items.some(isBare);
}

function editItems(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] {
  const { groups } = place.entry;
  const removed = new Set([...list.items.keys()].filter((index) => !wanted.includes(groups[index] ?? "")));
  const added = wanted.filter((group) => !groups.includes(group));
  const column = list.marks[0]?.column ?? 0;
  const items = list.flow ? added.map(quote) : added.map((group) => blockGroup(group, column));
  const first = list.marks[0]?.at;
  const isInFront = place.attempt > 0 && items.length > 0 && !list.flow;
  if (!isInFront || first === undefined) {
    const edits = editList(place.text, list, removed, items, place.attempt === 2);
    return edits ?? [replaceNode(place.text, use.written, flowList(wanted))];
  }
  const lineBreak = lineBreakOf(place.text);
  const front = insertLines(startOfLine(place.text, first), items.join(lineBreak), lineBreak);
  return [front, ...(editList(place.text, list, removed, []) ?? [])];
}

/** An empty `groups:` gets its items below, so that their removal restores it. */
function fillEmpty({ text, mapping, list }: EntryPlace, empty: YamlNode, groups: readonly string[]): TextEdit {
  const lineBreak = lineBreakOf(text);
  const column = mapping.start.column + styleOf(list, lineBreak).groups;
  const lines = groups.map((group) => blockGroup(group, column)).join(lineBreak);
  return insertLines(afterLine(text, empty.end), lines, lineBreak);
}

/** The comment after a list that replaced another value, such as an alias: it keeps that value. */
const NOTE = /^ # Before: ("(?:[^"\\]|\\.)*")/;

/** The same within braces. A comment would end the line there, so it is a field, and JSON stays JSON. */
const NOTE_FIELD = "before-eks-access";

function replaceWithNote(place: EntryPlace, use: FieldUse, groups: readonly string[]): TextEdit {
  const raw = quote(place.text.slice(use.written.outer, use.written.end));
  const note = place.mapping.flow ? `, ${quote(NOTE_FIELD)}: ${raw}` : ` # Before: ${raw}`;
  return replaceNode(place.text, use.written, flowList(groups) + note);
}

/** Whether a section can have a list of ours with the former value noted, or in the place of a merged one. */
export function mayHaveOurs(text = ""): boolean {
  return text.includes("# Before: ") || text.includes(NOTE_FIELD) || text.includes("<<");
}

/** The edits that take our list of an entry back and leave its groups; null: none does. */
export function undoEdits(place: EntryPlace): TextEdit[] | null {
  const use = useOf(place, "groups");
  return use?.written.kind === "sequence" ? restore(place, use, use.written, place.entry.groups) : null;
}

function restore(place: EntryPlace, use: FieldUse, list: SequenceNode, wanted: readonly string[]): TextEdit[] | null {
  const edit = place.mapping.flow ? removeNoteField(place, use, list) : removeNote(place, list);
  const undo = edit ?? (isOurs(place, use, list) ? removeField(place, use) : null);
  if (undo === null) return null;
  const after = placeAfter(place, undo);
  if (after === null || !sameGroups(after.entry.groups, wanted)) return null;
  // Ours was added where the entry had no groups of its own.
  return edit !== null || useOf(after, "groups") === null ? [undo] : null;
}

/** Whether a field is as `addField` writes it. An empty list of ours hides merged groups. */
function isOurs({ text, mapping, entry }: EntryPlace, { key }: FieldUse, list: SequenceNode): boolean {
  const name = mapping.flow ? quote("groups") : "groups";
  if (list.items.length === 0 && !text.slice(mapping.start.at, mapping.end).includes("<<")) return false;
  return text.slice(key.outer, list.end) === `${name}: [ ${entry.groups.map(quote).join(", ")} ]`;
}

function removeNote({ text }: EntryPlace, list: SequenceNode): TextEdit | null {
  const [note = "", json = ""] = NOTE.exec(text.slice(list.end, afterLine(text, list.end))) ?? [];
  const raw = readQuoted(json);
  if (raw === null) return null;
  const end = list.end + note.length;
  // The old block scalar included its line break, and our list got one of its own.
  return { start: list.outer, end: isStartOfLine(raw, raw.length) ? afterLine(text, end) : end, text: raw };
}

function removeNoteField({ mapping: { pairs } }: EntryPlace, use: FieldUse, list: SequenceNode): TextEdit | null {
  const note = pairs[pairs.findIndex(({ key }) => key === use.key) + 1];
  if (note?.key.kind !== "scalar" || note.key.value !== NOTE_FIELD || note.value.kind !== "scalar") return null;
  // The old empty value had no space before it, and our list got one.
  const start = note.value.value === "" ? list.outer - 1 : list.outer;
  return { start, end: note.value.end, text: note.value.value };
}
