import { readPrincipal } from "../access/arn.ts";
import { keptWith } from "../access/collections.ts";
import type { Change, OursOfAll } from "../access/principal.ts";
import {
  type Entry,
  entriesFor,
  entriesOfKey,
  entryOf,
  goFold,
  type Lookup,
  type ReadDocument,
  type Section,
  sameGroups,
  sameList,
} from "./document.ts";

export interface PlanGuard {
  /** The creator: never in the map. Null: unknown. */
  creatorArn?: string | null;
  /** Our own role in the cluster: its entry never changes. */
  operatorArn?: string | undefined;
  account?: string;
  partition?: string;
  allowForeignAccounts?: readonly string[];
  allowMasters?: boolean;
  /** Whether the last administrator in the document can leave, so that a lease can end in time. */
  allowNoAdministrator?: boolean;
}

type Mapping = Readonly<Pick<Entry, "arn" | "username" | "groups">>;

/** A change, translated for this document. A fulfilled change has no intent. */
export type Intent =
  | (Mapping & { readonly type: "add"; readonly section: Section })
  /** `isBeside`: it does not count. */
  | (Mapping & Pick<Change, "isPartly"> & { readonly type: "edit"; readonly entry: Entry; readonly isBeside?: true })
  /** Without `isBeside` all entries for the ARN go: removing only the last one would activate an earlier one. */
  | { readonly type: "remove"; readonly arn: string; readonly entries: readonly Entry[]; readonly isBeside?: true };

/** The changes, translated for a document. Of two changes for one principal the later one counts. */
export function intentsOf(document: ReadDocument, changes: readonly Change[]): Intent[] {
  const last = new Map<string, Change>();
  for (const change of changes) last.set(goFold(change.arn), change);
  const intents: Intent[] = [];
  for (const change of last.values()) {
    const mapping = change.type === "map" ? mappingIntent(document, change) : null;
    if (mapping !== null) intents.push(mapping);
    if (change.type === "unmap") intents.push(...removals(document, change, entriesFor(document, change.arn)));
    else if (change.ours) intents.push(...intentsBeside(document, change, change.ours));
  }
  return intents;
}

/** What goes from the entries beside the one that counts. */
function intentsBeside(document: ReadDocument, change: Change, ours: OursOfAll): Intent[] {
  const { groups, added = [], beside: theirs, hidden } = ours;
  const counts = entryOf(document, change.arn);
  const isOurs = (entry: Entry | null) => theirs && sameGroups(entry?.groups ?? [], [...theirs, ...added]);
  const others = entriesFor(document, change.arn).filter((entry) => entry !== counts);
  const beside = isOurs(counts) ? others.filter(isOurs).slice(hidden) : others;
  if (groups === null) return removals(document, change, beside);
  const named = beside.filter(({ username }) => username.startsWith(ours.usernames));
  return named.flatMap((entry) => editBeside(change.arn, entry, entry.reachable ? groups : added));
}

function editBeside(arn: string, entry: Entry, lost: readonly string[]): Intent[] {
  const groups = entry.groups.filter((group) => !lost.includes(group));
  if (groups.length === entry.groups.length) return [];
  return [{ type: "edit", arn, entry, username: entry.username, groups, isBeside: true }];
}

/** An entry of ours beside the one that counts keeps what others added to it. */
function removals(document: ReadDocument, { arn, ours }: Change, some: readonly Entry[]): Intent[] {
  const { usernames = "", added } = ours ?? {};
  const counts = entryOf(document, arn);
  const isWhole = (entry: Entry) => !added || entry === counts || entry.groups.every((group) => added.includes(group));
  const found = some.filter(({ username }) => username.startsWith(usernames));
  const entries = found.filter(isWhole);
  const kept = found.filter((entry) => !isWhole(entry)).flatMap((entry) => editBeside(arn, entry, added ?? []));
  return entries.length === 0 ? kept : [{ type: "remove", arn, entries, ...(ours && { isBeside: true }) }, ...kept];
}

function mappingIntent(document: ReadDocument, change: Change & { type: "map" }): Intent | null {
  const { arn, username } = change;
  const groups = [...new Set(change.groups)];
  const entry = entryOf(document, arn);
  if (entry !== null) {
    const isSame = entry.username === username && sameGroups(entry.groups, groups);
    return isSame ? null : { type: "edit", arn, entry, username, groups, isPartly: change.isPartly ?? false };
  }
  return { type: "add", arn, section: sectionOf(arn), username, groups };
}

/** Where a principal's new entry goes. */
export function sectionOf(arn: string): Section {
  const reading = readPrincipal(arn);
  return reading.type === "principal" && reading.principal.kind === "user" ? "mapUsers" : "mapRoles";
}

interface Expected extends Mapping {
  /** The groups may have another order. */
  readonly isChanged?: true;
}

/** Whether a section has exactly the wanted entries, and the authenticator drops nothing that it read before. */
export function isAsIntended(
  before: ReadDocument,
  after: ReadDocument,
  section: Section,
  intents: readonly Intent[],
): boolean {
  const reading = after.sections[section];
  if (reading.state === "unreadable" || reading.droppedAt !== null) return false;
  const expected = expectedEntries(before, section, intents);
  const actual = after.entries.filter((entry) => entry.section === section);
  const added = intents.filter((intent) => intent.type === "add" && intent.section === section).length;
  return (
    actual.length === expected.length &&
    (matchAll(expected, actual) || matchAll([...expected.slice(-added), ...expected.slice(0, -added)], actual))
  );
}

function matchAll(expected: readonly Expected[], actual: readonly Entry[]): boolean {
  return expected.every(({ arn, username, groups, isChanged }, index) => {
    const entry = actual[index];
    const isSame = isChanged ? sameGroups : sameList;
    return arn === entry?.arn && username === entry.username && isSame(groups, entry.groups);
  });
}

function expectedEntries(before: ReadDocument, section: Section, intents: readonly Intent[]): Expected[] {
  const removed = new Set<Entry>();
  const edited = new Map<Entry, Intent & { type: "edit" }>();
  const expected: Expected[] = [];
  for (const intent of intents) {
    if (intent.type === "remove") for (const entry of intent.entries) removed.add(entry);
    if (intent.type === "edit") edited.set(intent.entry, intent);
  }
  for (const entry of before.entries) {
    if (entry.section !== section || removed.has(entry)) continue;
    const edit = edited.get(entry);
    expected.push(edit === undefined ? entry : { ...edit, arn: entry.arn, isChanged: true });
  }
  for (const intent of intents)
    if (intent.type === "add" && intent.section === section) expected.push({ ...intent, isChanged: true });
  return expected;
}

/** ARNs with another result after the edit, folded: compared as written, with templates unfilled. */
export function changedCallers({ lookup: before }: ReadDocument, { lookup: after }: ReadDocument): readonly string[] {
  return changedSince(before)(after);
}

/** A request's preview compares the same two documents as the run that gives it. */
const changedSince = keptWith((before: Lookup) => keptWith((after: Lookup) => changedArns(before, after)));

function changedArns(before: Lookup, after: Lookup): readonly string[] {
  const changed = new Set<string>();
  for (const keys of [before.roles, before.users]) {
    for (const key of keys.keys()) {
      const [some, others] = [entriesOfKey(before, key), entriesOfKey(after, key)];
      const isSame = some.length === others.length && some.every((entry, index) => givesTheSame(entry, others[index]));
      if (!isSame) changed.add(key);
    }
  }
  for (const keys of [after.roles, after.users]) {
    for (const key of keys.keys()) if (!before.roles.has(key) && !before.users.has(key)) changed.add(key);
  }
  return [...changed];
}

function givesTheSame(entry: Entry, other: Entry | undefined): boolean {
  return other !== undefined && entry.username === other.username && sameList(entry.groups, other.groups);
}

/** ARNs with another result that no intent names. A plan with any must not be carried out. */
export function unintendedArns(before: ReadDocument, after: ReadDocument, intents: readonly Intent[]): string[] {
  const named = new Set(intents.map((intent) => goFold(intent.arn)));
  return changedCallers(before, after).filter((key) => !named.has(key));
}
