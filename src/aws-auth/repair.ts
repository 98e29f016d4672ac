import type { AwsAuthDocument, Entry } from "./document.ts";
import { DOCUMENT_LIMIT, sizeOf } from "./document-problems.ts";
import { isNode } from "./names.ts";
import type { Problem, Section } from "./problem.ts";
import { readDocument } from "./read-document.ts";
import { removeEntry, repairArn, repairGroups } from "./repair-entry.ts";
import { type Draft, offer, offerEdit, type Repair } from "./repair-offer.ts";
import { untab } from "./untab.ts";

export type { Repair } from "./repair-offer.ts";

/** How many repairs are offered at once. */
const MOST = 50;

/** How much text is read to find them, in bytes: each edit is read again, and a document may be as large as 1 MiB. */
const MOST_READ = 2 * DOCUMENT_LIMIT;

/** What can be mended in a document without asking what was meant, in the order of its problems. */
export function offerRepairs(document: AwsAuthDocument): Repair[] {
  const repairs: Repair[] = [];
  let left = Math.ceil(MOST_READ / Math.max(sizeOf(document.data), 1));
  for (const problem of document.problems) {
    if (repairs.length === MOST || left <= 0) break;
    const edits = REPAIRABLE.has(problem.code) ? editsFor(document, problem) : [];
    left -= edits.length;
    const repair = firstOf(edits);
    // Where the problem is told, which need not be where its entry begins.
    if (repair !== null) repairs.push({ ...repair, line: problem.line ?? repair.line });
  }
  return repairs;
}

/** An edit that is read only when it is asked for, and may turn out to mend nothing. */
type Edit = () => Repair | null;

function firstOf(edits: readonly Edit[]): Repair | null {
  for (const edit of edits) {
    const repair = edit();
    if (repair !== null) return repair;
  }
  return null;
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

function editsFor(document: AwsAuthDocument, problem: Problem): Edit[] {
  const { code, section, line } = problem;
  if (section === null || line === null) return [];
  if (code === "section-unreadable") return repairTabs(document, section, line);
  const entry = entryAt(document, problem);
  const draft = entry === null || isNode(entry) ? null : draftFor(document, entry, code);
  return draft === null ? [] : [() => offerEdit(document, draft)];
}

function draftFor(document: AwsAuthDocument, entry: Entry, code: string): Draft | null {
  if (code === "entry-shadowed") return removeEntry(document, entry, code);
  if (code === "groups-not-a-list") return repairGroups(document, entry, code);
  return repairArn(document, entry, code);
}

/** The entry that a place in a section belongs to: the last one that begins at it or before it. */
function entryAt({ entries }: AwsAuthDocument, { section, line }: Problem): Entry | null {
  return entries.filter((entry) => entry.section === section && entry.line <= (line ?? 0)).at(-1) ?? null;
}

function repairTabs(document: AwsAuthDocument, section: Section, line: number): Edit[] {
  return untab(document.sections[section].text ?? "").map((text) => () => {
    const after = readDocument({ ...document.data, [section]: text }).document;
    const reading = after.sections[section];
    if (reading.state !== "list" || reading.droppedAt !== null) return null;
    const message = `Puts spaces in the place of the tabs in ${section}, so that its entries can be read again.`;
    return offer(document, after, { code: "section-unreadable", section, line, message });
  });
}
