import { readPrincipal } from "../access/arn.ts";
import { DOCUMENT_LIMIT, sizeOf } from "../access/collections.ts";
import { fieldUses, lastUse } from "./decode-entry.ts";
import {
  type AwsAuthDocument,
  type Entry,
  entriesOfKey,
  entryAt,
  entryOf,
  isAccountId,
  type Problem,
  type ReadDocument,
  type Section,
} from "./document.ts";
import { replaceNode } from "./edit-entry.ts";
import { editSection } from "./edit-section.ts";
import { finish, type Steps } from "./go-yaml/budget.ts";
import { decodeAgain } from "./go-yaml/decode.ts";
import type { ScalarNode } from "./go-yaml/node.ts";
import { isNode } from "./names.ts";
import type { PlannedText } from "./plan.ts";
import { readingSteps } from "./read-document.ts";
import { changedCallers, isMatchable, resolve } from "./resolve.ts";
import { withoutNoBreakSpaces } from "./section-problems.ts";
import { applyEdits, flowList, quote, unifiedDiff } from "./text-edit.ts";

const WIDTHS = [2, 4, 8];

const MOST = 50;

/** The most text to read for an offer, in bytes: each edit is read again, and a document can have 1 MiB. */
const MOST_READ = DOCUMENT_LIMIT;

/** The repairs that need no guess about the intent, in the order of the document's problems. */
export function offerRepairs(document: AwsAuthDocument): Repair[] {
  return finish(repairsFor(document, document.problems));
}

/** The repairs of some of a document's problems. Pauses. */
export function* repairsFor(document: ReadDocument, problems: readonly Problem[]): Steps<Repair[]> {
  const repairs: Repair[] = [];
  let left = Math.ceil(MOST_READ / Math.max(sizeOf(document.data), 1));
  for (const problem of problems) {
    if (repairs.length === MOST || left <= 0) break;
    const edits = REPAIRABLE.has(problem.code) ? editsFor(document, problem) : [];
    left -= edits.length;
    const repair = yield* firstOf(edits);
    // The problem's place can differ from the start of its entry.
    if (repair !== null) repairs.push({ ...repair, line: problem.line ?? repair.line });
  }
  return repairs;
}

type Edit = () => Steps<Repair | null>;

function* firstOf(edits: readonly Edit[]): Steps<Repair | null> {
  for (const edit of edits) {
    const repair = yield* edit();
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
  "byte-order-mark",
  "entry-shadowed",
  "groups-not-a-list",
]);

/** Unread here, and perhaps in force. */
const MAY_COUNT: ReadonlySet<string> = new Set(["byte-order-mark", "section-too-large"]);

function editsFor(document: ReadDocument, problem: Problem): Edit[] {
  const { code, section, line } = problem;
  if (section === null || line === null) return [];
  if (code === "byte-order-mark") return [() => removeMarks(document, section, line)];
  // Entries that are unread here can count in the cluster.
  if (document.blocking.some((unread) => MAY_COUNT.has(unread.code))) return [];
  if (code === "section-unreadable") return repairSpaces(document, section, line);
  const entry = entryAt(document, problem);
  const draft = entry === null || isNode(entry) ? null : draftFor(document, entry, code);
  return draft === null ? [] : [() => offerEdit(document, draft)];
}

function draftFor(document: ReadDocument, entry: Entry, code: string): Draft | null {
  if (code === "entry-shadowed") return removeEntry(document, entry, code);
  if (code === "groups-not-a-list") return repairGroups(document, entry, code);
  return repairArn(document, entry, code);
}

function repairSpaces(document: ReadDocument, section: Section, line: number): Edit[] {
  const text = document.sections[section].text ?? "";
  const spaced = withoutNoBreakSpaces(text);
  const found = [...(text.includes("\t") ? ["tabs"] : []), ...(spaced === text ? [] : ["no-break spaces"])];
  if (found.length === 0) return [];
  const lines = spaced.split("\n");
  return WIDTHS.map(
    (width) =>
      function* replaceSpaces() {
        const text = yield* untab(lines, width);
        const message = `Replaces the ${found.join(" and ")} in ${section} with spaces.`;
        return yield* offerText(document, text, { code: "section-unreadable", section, line, message });
      },
  );
}

function* removeMarks(document: ReadDocument, section: Section, line: number): Steps<Repair | null> {
  const text = document.sections[section].text ?? "";
  const message = `Removes the invisible byte order marks in ${section}.`;
  // To the authenticator a mark is a letter, except where its buffer begins.
  const asLetters = Object.entries(document.data).map(([key, value]) => [key, value.replaceAll(INNER_MARK, LETTER)]);
  const inForce = yield* readingSteps(Object.fromEntries(asLetters));
  const about = { code: "byte-order-mark", section, line, message };
  return yield* offerText(document, text.replaceAll("\ufeff", ""), about, inForce);
}

const INNER_MARK = /(?!^)\ufeff/g;

/** Private use: it means nothing to YAML, and no ARN has it. */
const LETTER = "\ue000";

/** Offers a text for an unread section only if the authenticator reads it whole. */
function* offerText(document: ReadDocument, text: string, about: About, inForce: ReadDocument = document) {
  const { section } = about;
  const after = yield* readingSteps({ ...inForce.data, [section]: text });
  const { state, droppedAt } = after.sections[section];
  // What drops content beside its marks drops it without them too.
  const isRead = droppedAt === null || (inForce !== document && inForce.sections[section].droppedAt !== null);
  if (state !== "list" || !isRead || !keepsCallers(inForce, after)) return null;
  if (inForce === document) return offer(document, after, about);
  const written = yield* readingSteps({ ...document.data, [section]: text });
  return offer(document, written, about);
}

/** Whether for each caller of `before` the same entries count, and shut none out. */
function keepsCallers(before: ReadDocument, after: ReadDocument): boolean {
  const callers = changedCallers(before, after).filter(isMatchable);
  return callers.every((key) => {
    const [now, then] = [entriesOfKey(before.lookup, key), entriesOfKey(after.lookup, key)];
    const isSame = now.every((entry, at) => entry.section === then[at]?.section && entry.index === then[at]?.index);
    if (now.length > 0 && !(isSame && now.length === then.length)) return false;
    return resolve(before, key) === null || resolve(after, key) !== null;
  });
}

/** A text that a section may have meant, with spaces for the tabs that indent its lines or end them. */
function* untab(lines: readonly string[], width: number): Steps<string> {
  const spaced: string[] = [];
  for (const line of lines) {
    spaced.push(untabLine(line, width));
    yield;
  }
  return spaced.join("\n");
}

function untabLine(line: string, width: number): string {
  const body = line.replace(/(?<![ \t])[ \t]+(?=\r?$)/, "");
  return body.replace(/^[ \t]*(?:-[ \t]+)?/, (indent) => toStops(indent, width));
}

/** A tab reaches up to the next column that is a multiple of its width. */
function toStops(indent: string, width: number): string {
  let spaced = "";
  for (const letter of indent) spaced += letter === "\t" ? " ".repeat(width - (spaced.length % width)) : letter;
  return spaced;
}

/** Removes an entry that another one shadows: every caller keeps the same access. */
function removeEntry(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const [edited] = editSection(document.sections[entry.section], { removed: [entry], edited: [], added: [] });
  if (typeof edited !== "string") return null;
  return { entry, text: edited, code, message: `Removes the entry for ${entry.arn}, which has no effect.` };
}

/** Groups in one text, separated by commas and line breaks. */
function repairGroups(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const node = scalarOf(document, entry, "groups");
  if (node === null) return null;
  const groups = node.value.split(/[,\n]/).flatMap((group) => (group.trim() === "" ? [] : [group.trim()]));
  // A template can shut the callers out, who get in without groups.
  if (groups.some((group) => group.includes("{{"))) return null;
  const message = `Writes the groups of ${entry.arn} as a list: ${groups.join(", ")}.`;
  return { entry, text: replaced(document, entry, node, flowList(groups)), code, message };
}

/** A nearly right ARN, unless the right one has an entry of its own. */
function repairArn(document: ReadDocument, entry: Entry, code: string): Draft | null {
  const node = scalarOf(document, entry, "arn");
  const reading = readPrincipal(entry.arn);
  const meant = reading.type === "principal" ? undefined : reading.suggestion;
  if (meant === undefined || node === null || entryOf(document, meant) !== null) return null;
  // Only instances get in by it, and now others can by their account.
  if ([entry.username, ...entry.groups].some((text) => text.includes("{{EC2PrivateDNSName}}"))) return null;
  const message = `Writes ${meant} instead of ${entry.arn}.`;
  return { entry, text: replaced(document, entry, node, quote(meant)), code, message };
}

/** The scalar of an entry's field; null: the value is another node. */
function scalarOf({ sections }: ReadDocument, { section, index }: Entry, name: "arn" | "groups"): ScalarNode | null {
  const item = sections[section].list?.items[index];
  const value = item && decodeAgain(item);
  const uses = value?.type === "map" ? fieldUses(value, section) : [];
  const written = lastUse(uses, name)?.written;
  return written?.kind === "scalar" ? written : null;
}

function replaced({ sections }: ReadDocument, { section }: Entry, node: ScalarNode, written: string): string {
  const text = sections[section].text ?? "";
  return applyEdits(text, [replaceNode(text, node, written)]);
}

export interface Repair {
  code: string;
  section: Section;
  line: number;
  message: string;
  /** As a plan, but no guard of `planChanges` has checked it. Its differences are of ARNs in lower case, and of accounts. */
  plan: PlannedText;
}

/** An edit that may repair an entry; reading its text shows if it does. */
interface Draft {
  readonly entry: Entry;
  readonly text: string;
  readonly code: string;
  readonly message: string;
}

/** Offers an edit only if each other entry stays as it was. */
export function* offerEdit(document: ReadDocument, { entry, text, code, message }: Draft): Steps<Repair | null> {
  const { section, line } = entry;
  const after = yield* readingSteps({ ...document.data, [section]: text });
  if (after.sections[section].state === "unreadable" || !othersStay(entry, document, after)) return null;
  return offer(document, after, { code, section, line, message });
}

/** Whether all entries except one are unchanged, and that one is changed or gone. */
function othersStay(entry: Entry, before: ReadDocument, after: ReadDocument): boolean {
  const at = before.entries.indexOf(entry);
  const gone = before.entries.length - after.entries.length;
  if (gone !== 0 && gone !== 1) return false;
  return before.entries.every((other, index) => {
    const same = after.entries[index > at ? index - gone : index];
    return index === at || (same !== undefined && entryText(other) === entryText(same));
  });
}

function entryText({ section, arn, username, groups }: Entry): string {
  return JSON.stringify([section, arn, username, groups]);
}

type About = Pick<Repair, "code" | "section" | "line" | "message">;

/** Nodes sign in only as an instance. */
const identityIn = (document: ReadDocument, arn: string) =>
  resolve(document, arn) ??
  resolve(document, `${arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/i-00000000`);

function offer(before: ReadDocument, after: ReadDocument, about: About): Repair {
  const { section } = about;
  const changed = changedCallers(before, after);
  const byAccount = [...after.lookup.accounts].filter((id) => isAccountId(id) && !before.lookup.accounts.has(id));
  const plan: PlannedText = {
    type: "planned",
    after: after.data,
    get diff() {
      return unifiedDiff(section, before.sections[section].text, after.sections[section].text);
    },
    differences: [
      ...changed.map((arn) => ({ arn, before: identityIn(before, arn), after: identityIn(after, arn) })),
      ...byAccount.map((arn) => ({ arn, before: null, after: { username: "", groups: [] } })),
    ],
    refused: [],
    bytesLeft: DOCUMENT_LIMIT - sizeOf(after.data),
  };
  return { ...about, plan };
}
