import type { AwsAuthDocument, Entry } from "./document.ts";
import { isNode } from "./names.ts";
import type { Problem, Section } from "./problem.ts";
import { readDocument } from "./read-document.ts";
import { removeEntry, repairArn, repairGroups } from "./repair-entry.ts";
import { offer, type Repair } from "./repair-offer.ts";
import { untab } from "./untab.ts";

export type { Repair } from "./repair-offer.ts";

/** How many repairs are offered at once. Each costs a reading of the document. */
const MOST = 50;

/** What can be mended in a document without asking what was meant, in the order of its problems. */
export function offerRepairs(document: AwsAuthDocument): Repair[] {
  const repairs: Repair[] = [];
  for (const problem of document.problems) {
    const repair = repairs.length < MOST && REPAIRABLE.has(problem.code) ? repairOf(document, problem) : null;
    if (repair !== null) repairs.push(repair);
  }
  return repairs;
}

const REPAIRABLE: ReadonlySet<string> = new Set([
  "arn-path",
  "arn-sso-path",
  "arn-assumed-role",
  "arn-padding",
  "section-unreadable",
  "entry-shadowed",
  "groups-not-a-list",
]);

function repairOf(document: AwsAuthDocument, problem: Problem): Repair | null {
  if (problem.section === null || problem.line === null) return null;
  if (problem.code === "section-unreadable") return repairTabs(document, problem.section, problem.line);
  const entry = entryAt(document, problem);
  if (entry === null || isNode(entry)) return null;
  const { code } = problem;
  if (code === "entry-shadowed") return removeEntry(document, entry, code);
  if (code === "groups-not-a-list") return repairGroups(document, entry, code);
  return repairArn(document, entry, code);
}

/** The entry that a place in a section belongs to: the last one that begins at it or before it. */
function entryAt({ entries }: AwsAuthDocument, { section, line }: Problem): Entry | null {
  return entries.filter((entry) => entry.section === section && entry.line <= (line ?? 0)).at(-1) ?? null;
}

function repairTabs(document: AwsAuthDocument, section: Section, line: number): Repair | null {
  for (const text of untab(document.sections[section].text ?? "")) {
    const after = readDocument({ ...document.data, [section]: text }).document;
    const reading = after.sections[section];
    if (reading.state !== "list" || reading.droppedAt !== null) continue;
    const message = `Puts spaces in the place of the tabs in ${section}, so that its entries can be read again.`;
    return offer(document, after, { code: "section-unreadable", section, line, message });
  }
  return null;
}
