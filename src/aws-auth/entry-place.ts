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
  /** Whether what is added comes before the last field, or group: one that ends the text may be changed by what follows it. */
  readonly inFront: boolean;
}

/** The place of an entry; null where it is not written as a mapping of its own, as with an alias. */
export function entryPlace(
  { text, list, items, section }: ListReading,
  entry: Entry,
  inFront: boolean,
): EntryPlace | null {
  const mapping = list.items[entry.index];
  const value = items[entry.index];
  if (mapping?.kind !== "mapping" || value?.type !== "map") return null;
  return { section, text, list, mapping, entry, uses: fieldUses(value, section), inFront };
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
export function addField({ text, section, mapping, inFront }: EntryPlace, name: FieldName, value: string): TextEdit {
  const key = fieldKey(name, section);
  if (mapping.flow) {
    const at = mapping.pairs.at(-1)?.value.end ?? mapping.end;
    return { start: at, end: at, text: `, ${quote(key)}: ${value}` };
  }
  const pad = " ".repeat(mapping.start.column);
  const line = `${pad}${key}: ${value}`;
  const last = mapping.pairs.at(-1)?.key.outer;
  if (inFront && last !== undefined)
    return { start: last, end: last, text: `${line.trimStart()}${lineBreakOf(text)}${pad}` };
  return insertLines(afterLine(text, mapping.end), line, lineBreakOf(text));
}

export function removeField({ text, mapping }: EntryPlace, { key, written }: FieldUse): TextEdit {
  const index = mapping.pairs.findIndex((pair) => pair.key === key);
  const next = mapping.pairs[index + 1]?.key.outer;
  // The first field stands behind the dash, which is to stay.
  if (!mapping.flow && index === 0 && next !== undefined) return { start: key.outer, end: next, text: "" };
  if (!mapping.flow) return removeLines(text, key.outer, written.end);
  const before = mapping.pairs[index - 1];
  return { start: before?.value.end ?? key.outer, end: written.end, text: "" };
}

/** The groups that the entry would have after an edit; null where the section could not be read any more. */
export function groupsAfter({ section, text, entry }: EntryPlace, edit: TextEdit): readonly string[] | null {
  const { reading } = readSection(section, applyEdits(text, [edit]));
  const item = reading.items[entry.index];
  return item?.type === "map" ? decodeEntry(item, section).groups : null;
}
