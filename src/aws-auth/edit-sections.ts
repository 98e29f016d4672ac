import type { ReadDocument } from "./document.ts";
import { fieldKey } from "./field.ts";
import type { Intent } from "./intent.ts";
import type { Section } from "./problem.ts";
import type { readDocument } from "./read-document.ts";
import { editSection, type SectionChange } from "./section-edit.ts";
import { isAsIntended } from "./verify.ts";

const EDITED: readonly Section[] = ["mapRoles", "mapUsers"];

/**
 * The document after the intents, read again; null where no edit of its text comes to what is intended and nothing
 * else, as with an anchor that other entries lean on.
 */
export function editSections(
  document: ReadDocument,
  intents: readonly Intent[],
  read: typeof readDocument,
): ReadDocument | null {
  let after = document;
  for (const section of EDITED) {
    const change = changeOf(section, intents);
    if (change.added.length + change.edited.length + change.removed.length === 0) continue;
    const next = editOne(after, change, { section, before: document, intents, read });
    if (next === null) return null;
    after = next;
  }
  return after;
}

interface SectionEdit {
  readonly section: Section;
  /** The document before the first edit. */
  readonly before: ReadDocument;
  readonly intents: readonly Intent[];
  readonly read: typeof readDocument;
}

function editOne(
  current: ReadDocument,
  change: SectionChange,
  { section, before, intents, read }: SectionEdit,
): ReadDocument | null {
  for (const text of editSection(before.sections[section], change)) {
    const data = withText(current.data, section, text);
    const next = read(data).document;
    if (isAsIntended(before, next, section, intents)) return next;
  }
  return null;
}

/** Keys keep their order; a key that is gone is gone, and not an empty text. */
function withText(
  data: Readonly<Record<string, string>>,
  section: Section,
  text: string | null,
): Record<string, string> {
  const { [section]: _, ...others } = data;
  if (text === null) return others;
  return Object.hasOwn(data, section) ? { ...data, [section]: text } : { ...others, [section]: text };
}

function changeOf(section: Section, intents: readonly Intent[]): SectionChange {
  const arnKey = fieldKey("arn", section);
  return {
    removed: intents.flatMap((intent) =>
      intent.type === "remove" ? intent.entries.filter((entry) => entry.section === section) : [],
    ),
    edited: intents.flatMap((intent) =>
      intent.type === "edit" && intent.entry.section === section ? [{ entry: intent.entry, wanted: intent }] : [],
    ),
    added: intents.flatMap((intent) =>
      intent.type === "add" && intent.section === section ? [{ ...intent, arnKey }] : [],
    ),
  };
}
