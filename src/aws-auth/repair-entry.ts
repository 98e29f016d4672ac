import { readPrincipal } from "../principal/arn.ts";
import type { Entry, ReadDocument } from "./document.ts";
import { entryOf } from "./entry-of.ts";
import { fieldUses, lastUse } from "./field.ts";
import { editList } from "./list-edit.ts";
import { flowList, quote } from "./quote.ts";
import { offerEdit, type Repair } from "./repair-offer.ts";
import { applyEdits, editLines } from "./text-edit.ts";

/** An entry that another one shadows: without it everybody gets what they get now. */
export function removeEntry(document: ReadDocument, entry: Entry, code: string): Repair | null {
  const { text, list } = document.sections[entry.section];
  if (text === null || list === null) return null;
  const edited = editLines(text, (whole) => editList(whole, list, new Set([entry.index]), []));
  if (edited === null) return null;
  const message = `Removes the entry for ${entry.arn} in line ${entry.line}, which counts for nothing.`;
  return offerEdit(document, entry, edited, code, message);
}

/** Groups that are text: commas part them, as whoever wrote it meant. */
export function repairGroups(document: ReadDocument, entry: Entry, code: string): Repair | null {
  const node = fieldNode(document, entry, "groups");
  if (node?.kind !== "scalar" || node.style === "literal" || node.style === "folded") return null;
  const groups = node.value.split(",").flatMap((group) => (group.trim() === "" ? [] : [group.trim()]));
  const message = `Makes a list of the groups of ${entry.arn}: ${groups.join(", ")}. It is in none of them now.`;
  return replace(document, entry, node, flowList(groups), code, message);
}

/** An ARN that is nearly right, unless the right one has an entry of its own. */
export function repairArn(document: ReadDocument, entry: Entry, code: string): Repair | null {
  const reading = readPrincipal(entry.arn);
  const suggestion = reading.type === "invalid" ? reading.suggestion : undefined;
  const node = fieldNode(document, entry, "arn");
  if (suggestion === undefined || node?.kind !== "scalar") return null;
  if (readPrincipal(suggestion).type === "invalid" || entryOf(document, suggestion) !== null) return null;
  const message = `Writes ${suggestion} for ${entry.arn}, so that the entry matches somebody.`;
  return replace(document, entry, node, quote(suggestion), code, message);
}

function fieldNode(document: ReadDocument, { section, index }: Entry, name: "arn" | "groups") {
  const item = document.sections[section].items[index];
  const uses = item?.type === "map" ? fieldUses(item, section) : [];
  return lastUse(uses, name)?.written;
}

function replace(
  document: ReadDocument,
  entry: Entry,
  node: { outer: number; end: number },
  written: string,
  code: string,
  message: string,
): Repair | null {
  const text = document.sections[entry.section].text ?? "";
  const edited = applyEdits(text, [{ start: node.outer, end: node.end, text: written }]);
  return offerEdit(document, entry, edited, code, message);
}
