import { readPrincipal } from "../access/arn.ts";
import { DOCUMENT_LIMIT, sizeOf } from "../access/collections.ts";
import type { Change, OursOfAll, Refusal } from "../access/principal.ts";
import {
  type Data,
  type Entry,
  entriesFor,
  entryOf,
  goFold,
  type Intent,
  type PlanGuard,
  type Problem,
  type ReadDocument,
  SECTIONS,
  type Section,
  sameGroups,
} from "./document.ts";
import { editSections } from "./edit-section.ts";
import { finish, type Steps } from "./go-yaml/budget.ts";
import type { Mark } from "./go-yaml/cursor.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import { onlyRemovesGroups, refuseAdditions, refuseArn, refuseChange, refuseResult } from "./guard.ts";
import { readingSteps } from "./read-document.ts";
import { type Identity, resolve } from "./resolve.ts";
import { unifiedDiff } from "./text-edit.ts";

/** A principal's access before and after; null: none. */
interface AccessDifference {
  arn: string;
  before: Identity | null;
  after: Identity | null;
}

export interface PlannedText {
  type: "planned";
  after: Data;
  /** Unified, each section as a file, without colour; empty if nothing changes. */
  readonly diff: string;
  differences: readonly AccessDifference[];
  refused: readonly Refusal[];
  /** The room left of the ConfigMap's 1 MiB, without its metadata. */
  bytesLeft: number;
}

export type Plan = PlannedText & { document: ReadDocument };

export type RefusedPlan = { type: "refused"; refusal: Refusal };

type PlanResult = Plan | RefusedPlan;

/** The rest stays, byte for byte, and the new text is read again: everyone else is who they were. */
export function planChanges(document: ReadDocument, changes: readonly Change[], guard: PlanGuard = {}): PlanResult {
  return finish(planSteps(document, changes, guard));
}

/** The same, with pauses. @param read like `readingSteps` */
export function* planSteps(
  document: ReadDocument,
  changes: readonly Change[],
  guard: PlanGuard,
  read: typeof readingSteps = readingSteps,
): Steps<PlanResult> {
  const blockers = changes.map(
    (change) =>
      document.blocking.find(({ section }) => section === null || !isInOtherSection(document, change, section)) ?? null,
  );
  const unread = refuseUnlessWhole(document);
  if (unread && blockers.every((problem) => problem !== null)) {
    const [unmappable = unread] = changes.flatMap((change) => refuseArn(change, guard) ?? []);
    return { type: "refused", refusal: unmappable };
  }
  const refused: Refusal[] = [];
  const accepted: Change[] = [];
  for (const [index, change] of changes.entries()) {
    yield;
    const problem = blockers[index] ?? null;
    const refusal = problem ? { ...blockedRefusal(problem), arn: change.arn } : refuseChange(document, change, guard);
    if (refusal === null) accepted.push(change);
    else refused.push(refusal);
  }
  const intents = intentsOf(document, accepted);
  const noRoom = refuseAdditions(document, intents);
  if (noRoom) return { type: "refused", refusal: noRoom };
  const after = yield* editSections(document, intents, read);
  if (after === null) return { type: "refused", refusal: cannotEdit(document, intents) };
  yield;
  const refusal = refuseResult(document, after, intents, guard);
  if (refusal !== null) return { type: "refused", refusal };
  return {
    type: "planned",
    after: after.data,
    document: after,
    // A run of the worker does not show it.
    get diff() {
      const { sections } = document;
      return SECTIONS.map((each) => unifiedDiff(each, sections[each].text, after.sections[each].text)).join("");
    },
    differences: yield* differencesOf(document, after, intents),
    refused,
    bytesLeft: DOCUMENT_LIMIT - sizeOf(after.data),
  };
}

/** Why a document can't give anything, or be described in full; null: every section is read whole. */
export function refuseUnlessWhole(document: ReadDocument): Refusal | null {
  const [broken] = document.blocking;
  return broken ? blockedRefusal(broken) : null;
}

function blockedRefusal({ code, section, line, message, remedy }: Problem): Refusal {
  return {
    code,
    message: `${section}, line ${line}: ${message} ${remedy} Until then, eks-access gives no access through aws-auth.`,
  };
}

function* differencesOf(
  before: ReadDocument,
  after: ReadDocument,
  intents: readonly Intent[],
): Steps<AccessDifference[]> {
  const differences: AccessDifference[] = [];
  for (const { arn } of intents) {
    yield;
    const difference = { arn, before: resolve(before, arn), after: resolve(after, arn) };
    if (JSON.stringify(difference.before) !== JSON.stringify(difference.after)) differences.push(difference);
  }
  return differences;
}

/** The changes, translated for a document. Of two changes for one principal the later one counts. */
function intentsOf(document: ReadDocument, changes: readonly Change[]): Intent[] {
  const last = new Map<string, Change>();
  for (const change of changes) last.set(goFold(change.arn), change);
  const intents: Intent[] = [];
  for (const change of last.values()) {
    const mapping = change.type === "map" ? mappingIntent(document, change) : null;
    if (mapping !== null) intents.push(mapping);
    if (change.type === "unmap") intents.push(...removals(change, entriesFor(document, change.arn)));
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
  if (groups === null) return removals(change, beside);
  const named = beside.filter(({ username }) => username.startsWith(ours.usernames));
  return named.flatMap((entry) => {
    const lost = entry.reachable ? groups : added;
    const left = entry.groups.filter((group) => !lost.includes(group));
    if (left.length === entry.groups.length) return [];
    return { type: "edit", arn: change.arn, entry, username: entry.username, groups: left, isBeside: true };
  });
}

/** Those of ours, also with what others added to a copy: it could come into force, with a group of a lease that ended. */
function removals({ arn, ours }: Change, some: readonly Entry[]): Intent[] {
  const entries = some.filter(({ username }) => username.startsWith(ours?.usernames ?? ""));
  return entries.length === 0 ? [] : [{ type: "remove", arn, entries, ...(ours && { isBeside: true }) }];
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
function sectionOf(arn: string): Section {
  const reading = readPrincipal(arn);
  return reading.type === "principal" && reading.principal.kind === "user" ? "mapUsers" : "mapRoles";
}

/**
 * Access ends in one section while another is unreadable: sections are texts of their own, so the broken one stays byte for byte.
 * This requires that the whole removed access is in view, and none of it in the broken section.
 */
function isInOtherSection(document: ReadDocument, change: Change, broken: Section): boolean {
  const entry = entryOf(document, change.arn);
  if (entry === null || (change.type === "map" && !onlyRemovesGroups(change, entry))) return false;
  if (broken === "mapAccounts") return true;
  const isTouched = entriesFor(document, change.arn).some(({ section }) => section === broken);
  const name = change.arn.slice(change.arn.lastIndexOf("/") + 1).toLowerCase();
  // An unreadable text can still have the entry, perhaps with a path.
  return !isTouched && broken !== sectionOf(change.arn) && !document.data[broken]?.toLowerCase().includes(name);
}

export function cannotEdit({ sections }: ReadDocument, intents: readonly Intent[]): Refusal {
  const touched = SECTIONS.map((name) => sections[name]).filter(({ section }) => intents.some(touches(section)));
  for (const { section, list } of touched) {
    const own = intents
      .flatMap(entriesOf)
      .flatMap((entry) => (entry.section === section && list?.items[entry.index]) || []);
    const at = [...own, ...(list ? [list] : [])].map(firstReference).find((mark) => mark !== null);
    if (at) return { code: "cannot-edit", message: cannotChange(`${section}, line ${at.line + 1}`) };
  }
  return { code: "cannot-edit", message: cannotChange(touched.map(({ section }) => section).join(" and ")) };
}

/** @param what sections, or a file */
export function cannotChange(what: string): string {
  return `eks-access can't change ${what} alone. Give each field its own line, without anchors.`;
}

function touches(section: Section) {
  return (intent: Intent): boolean =>
    intent.type === "add" ? intent.section === section : entriesOf(intent).some((entry) => entry.section === section);
}

function entriesOf(intent: Intent): readonly Entry[] {
  if (intent.type === "add") return [];
  return intent.type === "edit" ? [intent.entry] : intent.entries;
}

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
