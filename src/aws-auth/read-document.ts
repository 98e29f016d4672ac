import type { Entry, Lookup, ReadDocument } from "./document.ts";
import { goFold } from "./go-yaml/fold.ts";
import { DocumentBudget } from "./go-yaml/reading-budget.ts";
import { buildLookup } from "./lookup.ts";
import type { Section } from "./problem.ts";
import { entriesIn, type SectionEntries } from "./read-entries.ts";
import { readSection, type SectionContent } from "./read-section.ts";

/** A document with what its problems are told from. */
export interface DocumentReading {
  readonly document: ReadDocument;
  readonly parts: readonly (SectionContent & SectionEntries)[];
}

/** Reads the data of aws-auth as the authenticator does, without a word on what is wrong with it. */
export function readDocument(data: Readonly<Record<string, string>>): DocumentReading {
  const budget = new DocumentBudget();
  const mapRoles = readSection("mapRoles", textOf(data, "mapRoles"), budget);
  const mapUsers = readSection("mapUsers", textOf(data, "mapUsers"), budget);
  const mapAccounts = readSection("mapAccounts", textOf(data, "mapAccounts"), budget);
  const parts = [mapRoles, mapUsers, mapAccounts].map((content) => ({ ...content, ...entriesIn(content) }));
  const entries = parts.flatMap((part) => part.entries);
  const kept = parts.flatMap((part) => part.kept);
  const lookup = buildLookup(entries, kept);
  for (const entry of entries) if (entry.reachable) entry.reachable = answers(entry, lookup);
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  return { document: { data, entries, sections, lookup }, parts };
}

/** A key that the object only inherits is no section. */
function textOf(data: Readonly<Record<string, string>>, section: Section): string | null {
  return Object.hasOwn(data, section) ? (data[section] ?? null) : null;
}

/** Whether an entry is asked at all: no other one takes its place. Where chance decides, each may be asked. */
function answers(entry: Entry, lookup: Lookup): boolean {
  if (entry.section === "mapAccounts") return true;
  return rivalsOf(entry, lookup).includes(entry);
}

/** The entries of which one answers for an entry's ARN. */
export function rivalsOf(entry: Entry, { roles, users }: Lookup): readonly Entry[] {
  const key = goFold(entry.arn);
  return roles.get(key) ?? users.get(key) ?? [];
}
