import type { AwsAuthDocument } from "./document.ts";
import { documentProblems } from "./document-problems.ts";
import { buildLookup } from "./lookup.ts";
import { type Problem, SECTIONS } from "./problem.ts";
import { readEntries } from "./read-entries.ts";
import { readSection } from "./read-section.ts";
import { shadowProblems } from "./shadow-problems.ts";

/**
 * Reads the data of aws-auth as the authenticator does, and tells what is wrong with it. Never throws: a section that
 * can't be read is told as a problem and maps nobody. Lines and columns count from 1 within the section's own text.
 */
export function parseDocument(data: Readonly<Record<string, string>>): AwsAuthDocument {
  const mapRoles = readSection("mapRoles", textOf(data, "mapRoles"));
  const mapUsers = readSection("mapUsers", textOf(data, "mapUsers"));
  const mapAccounts = readSection("mapAccounts", textOf(data, "mapAccounts"));
  const contents = [mapRoles, mapUsers, mapAccounts];
  const read = contents.map((content) => readEntries(content));
  const entries = read.flatMap((result) => result.entries);
  const kept = read.flatMap((result) => result.kept);
  const lookup = buildLookup(kept);
  const shadowed = shadowProblems(kept, lookup);
  const problems = inOrder([
    ...documentProblems(data),
    ...contents.flatMap((content) => content.problems),
    ...read.flatMap((result) => result.problems),
    ...shadowed,
  ]);
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  return { data, entries, problems, sections, lookup };
}

function textOf(data: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(data, key) ? (data[key] ?? null) : null;
}

/** As people read the document: what concerns all of it first, then by section and place. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const rank = ({ section }: Problem) => (section === null ? -1 : SECTIONS.indexOf(section));
  const place = (some: number | null, other: number | null) => (some ?? 0) - (other ?? 0);
  return [...problems].sort(
    (a, b) => rank(a) - rank(b) || place(a.line, b.line) || place(a.column, b.column) || (a.code < b.code ? -1 : 1),
  );
}
