import type { Entry, ReadDocument } from "./document.ts";
import { entryOf } from "./entry-of.ts";
import { replaceNode } from "./entry-place.ts";
import { fieldUses, lastUse } from "./field.ts";
import type { ScalarNode } from "./go-yaml/node.ts";
import { readPrincipal } from "./principal/arn.ts";
import { flowList, quote } from "./quote.ts";
import type { Draft } from "./repair-offer.ts";
import { editSection } from "./section-edit.ts";
import { applyEdits } from "./text-edit.ts";

/** An entry that another one shadows: without it everybody gets what they get now. */
export function removeEntry(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const change = { removed: [entry], edited: [], added: [] };
  const [edited] = editSection(document.sections[entry.section], change);
  if (typeof edited !== "string") return null;
  const message = `Removes the entry for ${entry.arn}, which counts for nothing.`;
  return { entry, text: edited, code, message };
}

/** Groups that are text: commas and line breaks part them, as whoever wrote it meant. */
export function repairGroups(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const node = scalarOf(document, entry, "groups");
  if (node === null) return null;
  const groups = node.value.split(/[,\n]/).flatMap((group) => (group.trim() === "" ? [] : [group.trim()]));
  const message = `Makes a list of the groups of ${entry.arn}: ${groups.join(", ")}. It is in none of them now.`;
  return replace(document, entry, node, flowList(groups), code, message);
}

/** An ARN that is nearly right, unless the right one has an entry of its own. */
export function repairArn(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const node = scalarOf(document, entry, "arn");
  const meant = meantBy(entry.arn);
  if (meant === null || node === null || entryOf(document, meant) !== null) return null;
  const message = `Writes ${meant} for ${entry.arn}, so that the entry matches somebody.`;
  return replace(document, entry, node, quote(meant), code, message);
}

/** What an ARN was meant to be, found step by step: without the white space around it, and then without its path. */
function meantBy(arn: string): string | null {
  const reading = readPrincipal(arn);
  if (reading.type === "principal") return reading.principal.arn;
  return reading.suggestion === undefined ? null : meantBy(reading.suggestion);
}

/** The scalar that stands behind a field of an entry; null where something else does. */
function scalarOf({ sections }: ReadDocument, { section, index }: Entry, name: "arn" | "groups"): ScalarNode | null {
  const item = sections[section].items[index];
  const uses = item?.type === "map" ? fieldUses(item, section) : [];
  const written = lastUse(uses, name)?.written;
  return written?.kind === "scalar" ? written : null;
}

function replace(
  document: ReadDocument,
  entry: Entry,
  node: ScalarNode,
  written: string,
  code: string,
  message: string,
): Draft {
  const text = document.sections[entry.section].text ?? "";
  return { entry, text: applyEdits(text, [replaceNode(text, node, written)]), code, message };
}
