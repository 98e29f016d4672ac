import { decodeEntry } from "./decode-entry.ts";
import type { Entry, ListReading } from "./document.ts";
import { type FieldName, type FieldUse, fieldKey, fieldUses, lastUse } from "./field.ts";
import type { MappingNode, SequenceNode, YamlNode } from "./go-yaml/node.ts";
import type { Section } from "./problem.ts";
import { quote } from "./quote.ts";
import { readSection } from "./read-section.ts";
import {
  afterLine,
  applyEdits,
  insertLines,
  isStartOfLine,
  lineBreakOf,
  removeLines,
  type TextEdit,
} from "./text-edit.ts";

/** Where an entry is edited: its section's text, and its own mapping in it. */
export interface EntryPlace {
  readonly section: Section;
  readonly text: string;
  readonly list: SequenceNode;
  readonly mapping: MappingNode;
  readonly entry: Entry;
  readonly uses: readonly FieldUse[];
}

/** The place of an entry; null where it is not written as a mapping of its own, as with an alias. */
export function placeOf({ text, list, items, section }: ListReading, entry: Entry): EntryPlace | null {
  const mapping = list.items[entry.index];
  const value = items[entry.index];
  if (mapping?.kind !== "mapping" || value?.type !== "map") return null;
  return { section, text, list, mapping, entry, uses: fieldUses(value, section) };
}

/** The use of a field that counts; null where it is not written in this mapping. */
export function useOf({ uses }: EntryPlace, name: FieldName): FieldUse | null {
  const use = lastUse(uses, name);
  return use === undefined || use.merged ? null : use;
}

/** Puts a value in another's place. A block scalar takes its line breaks with it; an empty value has no space before it. */
export function replaceNode(text: string, { outer: start, end }: YamlNode, value: string): TextEdit {
  if (start === end) return { start, end, text: ` ${value}` };
  return { start, end, text: isStartOfLine(text, end) ? value + lineBreakOf(text) : value };
}

/** Puts a field at the end of the mapping, where it also wins over what a `<<` before it brings. */
export function addField({ text, section, mapping }: EntryPlace, name: FieldName, value: string): TextEdit {
  const key = fieldKey(name, section);
  if (mapping.flow) {
    const at = mapping.pairs.at(-1)?.value.end ?? mapping.end;
    return { start: at, end: at, text: `, ${quote(key)}: ${value}` };
  }
  const line = `${" ".repeat(mapping.start.column)}${key}: ${value}`;
  return insertLines(afterLine(text, mapping.end), line, lineBreakOf(text));
}

export function removeField({ text, mapping }: EntryPlace, { key, written }: FieldUse): TextEdit {
  if (!mapping.flow) return removeLines(text, key.outer, written.end);
  const index = mapping.pairs.findIndex((pair) => pair.key === key);
  const before = mapping.pairs[index - 1];
  return { start: before?.value.end ?? key.outer, end: written.end, text: "" };
}

/** The groups that the entry would have after an edit; null where the section could not be read any more. */
export function groupsAfter({ section, text, entry }: EntryPlace, edit: TextEdit): readonly string[] | null {
  const { reading } = readSection(section, applyEdits(text, [edit]));
  const item = reading.items[entry.index];
  return item?.type === "map" ? decodeEntry(item, section).groups : null;
}
