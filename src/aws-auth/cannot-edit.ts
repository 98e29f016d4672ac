import type { Refusal } from "./change.ts";
import type { ReadDocument, SectionReading } from "./document.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { Mark } from "./go-yaml/token.ts";
import type { Intent } from "./intent.ts";
import { SECTIONS } from "./problem.ts";

/** Why no edit of the text comes to what is intended and nothing else, as far as the text shows it. */
export function cannotEdit({ sections }: ReadDocument, intents: readonly Intent[]): Refusal {
  const touched = SECTIONS.map((name) => sections[name]).filter(({ section }) => intents.some(touches(section)));
  for (const reading of touched) {
    const at = reading.list && firstReference(reading.list);
    if (at !== null) return { code: "cannot-edit", message: referenceMessage(reading, at) };
  }
  const where = touched.map(({ section }) => section).join(" and ");
  const message = `${where} can't be changed without touching other text: its layout leaves no place for the change. Write its entries as a list with each field on a line of its own first.`;
  return { code: "cannot-edit", message };
}

function touches(section: SectionReading["section"]) {
  return (intent: Intent): boolean => {
    if (intent.type === "add") return intent.section === section;
    if (intent.type === "edit") return intent.entry.section === section;
    return intent.entries.some((entry) => entry.section === section);
  };
}

function referenceMessage({ section }: SectionReading, { line }: Mark): string {
  return `${section} can't be changed without touching other entries: it has an anchor or an alias in line ${line + 1}, by which entries share text. Write the entries out one by one first.`;
}

/** Where the first anchor or alias stands in a node; null: it has none. */
function firstReference(node: YamlNode): Mark | null {
  if (node.kind === "alias" || node.anchor !== null) return node.start;
  for (const child of childrenOf(node)) {
    const at = firstReference(child);
    if (at !== null) return at;
  }
  return null;
}

function childrenOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind === "sequence") return node.items;
  return node.kind === "mapping" ? node.pairs.flatMap(({ key, value }) => [key, value]) : [];
}
