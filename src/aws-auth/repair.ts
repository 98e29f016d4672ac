import { readPrincipal } from "../principal/arn.ts";
import { unifiedDiff } from "./diff.ts";
import type { AwsAuthDocument, Entry } from "./document.ts";
import { entryOf } from "./entry-of.ts";
import { fieldUses, lastUse } from "./field.ts";
import { editList } from "./list-edit.ts";
import { isNode } from "./names.ts";
import { parseDocument } from "./parse.ts";
import type { Problem, Section } from "./problem.ts";
import { flowList, quote } from "./quote.ts";
import { applyEdits, editLines } from "./text-edit.ts";
import { untab } from "./untab.ts";
import { changedArns } from "./verify.ts";

/** A way to mend one thing that was wrong before. It is an offer: nothing is repaired unless somebody approves it. */
export interface Repair {
  /** The problem that it mends. */
  code: string;
  section: Section;
  /** Where the problem is, counted from 1 within the section's text. */
  line: number;
  /** What it does, as one sentence. */
  message: string;
  before: Readonly<Record<string, string>>;
  after: Readonly<Record<string, string>>;
  diff: string;
  /** ARNs that answer differently afterwards, folded to lower case. */
  changed: readonly string[];
}

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

const ARN_CODES: ReadonlySet<string> = new Set(["arn-path", "arn-sso-path", "arn-assumed-role", "arn-padding"]);
const REPAIRABLE: ReadonlySet<string> = new Set([
  ...ARN_CODES,
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
  if (ARN_CODES.has(code)) return repairArn(document, entry, code);
  return null;
}

/** The entry that a place in a section belongs to: the last one that begins at it or before it. */
function entryAt({ entries }: AwsAuthDocument, { section, line }: Problem): Entry | null {
  return entries.filter((entry) => entry.section === section && entry.line <= (line ?? 0)).at(-1) ?? null;
}

function repairTabs(document: AwsAuthDocument, section: Section, line: number): Repair | null {
  for (const text of untab(document.sections[section].text ?? "")) {
    const after = parseDocument({ ...document.data, [section]: text });
    const reading = after.sections[section];
    if (reading.state !== "list" || reading.droppedAt !== null) continue;
    const message = `Puts spaces in the place of the tabs in ${section}, so that its entries can be read again.`;
    return offer(document, after, { code: "section-unreadable", section, line, message });
  }
  return null;
}

/** An entry that another one shadows: without it everybody gets what they get now. */
function removeEntry(document: AwsAuthDocument, entry: Entry, code: string): Repair | null {
  const { text, list } = document.sections[entry.section];
  if (text === null || list === null) return null;
  const edited = editLines(text, (whole) => editList(whole, list, new Set([entry.index]), []));
  if (edited === null) return null;
  const message = `Removes the entry for ${entry.arn} in line ${entry.line}, which counts for nothing.`;
  return offerEdit(document, entry, edited, code, message);
}

function repairGroups(document: AwsAuthDocument, entry: Entry, code: string): Repair | null {
  const node = fieldNode(document, entry, "groups");
  if (node?.kind !== "scalar" || node.style === "literal" || node.style === "folded") return null;
  const groups = node.value.split(",").flatMap((group) => (group.trim() === "" ? [] : [group.trim()]));
  const message = `Makes a list of the groups of ${entry.arn}: ${groups.join(", ")}. It is in none of them now.`;
  return replace(document, entry, node, flowList(groups), code, message);
}

function repairArn(document: AwsAuthDocument, entry: Entry, code: string): Repair | null {
  const reading = readPrincipal(entry.arn);
  const suggestion = reading.type === "invalid" ? reading.suggestion : undefined;
  const node = fieldNode(document, entry, "arn");
  if (suggestion === undefined || node?.kind !== "scalar") return null;
  if (readPrincipal(suggestion).type === "invalid" || entryOf(document, suggestion) !== null) return null;
  const message = `Writes ${suggestion} for ${entry.arn}, so that the entry matches somebody.`;
  return replace(document, entry, node, quote(suggestion), code, message);
}

function fieldNode(document: AwsAuthDocument, { section, index }: Entry, name: "arn" | "groups") {
  const item = document.sections[section].items[index];
  const uses = item?.type === "map" ? fieldUses(item, section) : [];
  return lastUse(uses, name)?.written;
}

function replace(
  document: AwsAuthDocument,
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

/** An edit is offered only where it leaves each other entry as it was. */
function offerEdit(
  document: AwsAuthDocument,
  entry: Entry,
  text: string,
  code: string,
  message: string,
): Repair | null {
  const { section, line } = entry;
  const after = parseDocument({ ...document.data, [section]: text });
  if (after.sections[section].state === "unreadable" || !staysAround(entry, document, after)) return null;
  return offer(document, after, { code, section, line, message });
}

/** Whether all entries but one are what they were, and that one is changed or gone. */
function staysAround(entry: Entry, before: AwsAuthDocument, after: AwsAuthDocument): boolean {
  const at = before.entries.indexOf(entry);
  const gone = before.entries.length - after.entries.length;
  if (gone !== 0 && gone !== 1) return false;
  return before.entries.every((other, index) => {
    const same = after.entries[index > at ? index - gone : index];
    return index === at || (same !== undefined && saying(other) === saying(same));
  });
}

function saying({ section, arn, username, groups }: Entry): string {
  return JSON.stringify([section, arn, username, groups]);
}

function offer(
  before: AwsAuthDocument,
  after: AwsAuthDocument,
  about: Pick<Repair, "code" | "section" | "line" | "message">,
): Repair {
  const { section } = about;
  return {
    ...about,
    before: before.data,
    after: after.data,
    diff: unifiedDiff(section, before.sections[section].text, after.sections[section].text),
    changed: changedArns(before.lookup, after.lookup),
  };
}
