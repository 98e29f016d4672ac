import { canonicalCaller, type Principal, readPrincipal } from "../access/arn.ts";
import { DOCUMENT_LIMIT, sizeOf } from "../access/collections.ts";
import { creatorText, operatorText } from "../access/policy/creator.ts";
import { type Change, type Refusal, withoutRolePath } from "../access/principal.ts";
import {
  competingEntries,
  type Data,
  type Entry,
  entriesFor,
  entriesOfKey,
  entryOf,
  goFold,
  goLower,
  type Intent,
  type PlanGuard,
  partitionIn,
  type ReadDocument,
  SECTIONS,
  sameGroups,
} from "./document.ts";
import type { Steps } from "./go-yaml/budget.ts";
import { groupFlaws, isForNodes, isNode, MASTERS, type NameFlaw, usernameFlaws } from "./names.ts";
import { readingSteps, sectionText } from "./read-document.ts";
import { changedCallers, unintendedArns, wildcardsFor } from "./resolve.ts";

/** Why the product refuses a single change, or null. It refuses present groups and usernames only if they shut the principal out. */
export function refuseChange(document: ReadDocument, change: Change, guard: PlanGuard): Refusal | null {
  const entry = entryOf(document, change.arn);
  const about = (code: string, message: string): Refusal => ({ code, message, arn: change.arn });
  if (touchesNode(document, change, entry))
    return about("node-entry", `Nodes sign in as ${change.arn}. Change its entry by hand.`);
  if (isIdentity(change.arn, guard.operatorArn)) return about("operator", operatorText(change.arn, "the cluster"));
  if (change.type === "unmap") return null;
  const reading = readPrincipal(change.arn, guard.partition);
  if (reading.type === "invalid") return refuseArn(change, guard);
  const isEnd = change.ours !== undefined && onlyRemovesGroups(change, entry);
  if (!isEnd && competingEntries(change, document.lookup).length > 1)
    return about("entry-ambiguous", `Several entries match ${change.arn}: one counts, at random. Keep only one.`);
  return (
    refusePrincipal(reading.principal, guard) ??
    refusePartition(document, reading.principal, guard) ??
    refuseMapping(change, entry, guard) ??
    (onlyRemovesGroups(change, entry) ? null : refuseWhereReleasesDiffer(document, change.arn, entry))
  );
}

function touchesNode(document: ReadDocument, change: Change, entry: Entry | null): boolean {
  if (!change.ours) return entriesFor(document, change.arn).some(isNode);
  return change.type === "map" && entry !== null && isNode(entry) && !sameGroups(entry.groups, change.groups);
}

/** Refuses to map an ARN that no entry can have, whatever the document is. */
export function refuseArn({ type, arn }: Change, { partition }: PlanGuard): Refusal | null {
  const reading = readPrincipal(arn, partition);
  if (type === "unmap" || reading.type !== "invalid") return null;
  const { code, message, suggestion } = reading;
  return { code, message: suggestion === undefined ? message : `${message} Write ${suggestion}.`, arn };
}

export function onlyRemovesGroups({ username, groups }: Change & { type: "map" }, entry: Entry | null): boolean {
  return entry?.username === username && groups.every((group) => entry.groups.includes(group));
}

/** Refuses if releases of the authenticator disagree: the principal's identity would depend on the release. */
function refuseWhereReleasesDiffer(document: ReadDocument, arn: string, entry: Entry | null): Refusal | null {
  if (entry !== null && goLower(entry.arn) !== goLower(arn)) {
    const message = `The entry for ${arn} (${entry.section}, line ${entry.line}) has a look-alike letter. Retype it.`;
    return { code: "arn-confusable", message, arn };
  }
  const [wildcard] = wildcardsFor(document, arn);
  if (wildcard === undefined) return null;
  const message = `The wildcard entry ${wildcard.arn} (${wildcard.section}, line ${wildcard.line}) also matches ${arn}. Name its roles.`;
  return { code: "entry-ambiguous", message, arn };
}

function refusePrincipal({ arn, partition, account }: Principal, guard: PlanGuard): Refusal | null {
  if (isCreator(arn, guard)) return { code: "creator", message: creatorText(arn, "the cluster"), arn };
  if (guard.partition !== undefined && guard.partition !== partition) {
    return foreignPartition(arn, partition, "the cluster", guard.partition);
  }
  const isForeign = guard.account !== undefined && guard.account !== account;
  if (isForeign && !guard.allowForeignAccounts?.includes(account)) {
    const message = `${arn} is in ${account}, the cluster in ${guard.account}. An operator can add it to foreignAccounts.`;
    return { code: "foreign-account", message, arn };
  }
  return null;
}

/** If the cluster's partition is unknown, the document's entries show it. */
function refusePartition({ entries }: ReadDocument, { arn, partition }: Principal, guard: PlanGuard): Refusal | null {
  const isIn = ({ arn, reachable }: Entry) => reachable && goLower(arn).startsWith(`arn:${partition}:`);
  if (guard.partition !== undefined || entries.some(isIn)) return null;
  const partitions = new Set(entries.flatMap(({ arn, reachable }) => (reachable && partitionIn(arn)) || []));
  if (partitions.size === 0) return null;
  return foreignPartition(arn, partition, "the other entries", [...partitions].join(", "));
}

function foreignPartition(arn: string, partition: string, what: string, others: string): Refusal {
  const message = `${arn} is in ${partition}, ${what} in ${others}. It can't sign in there.`;
  return { code: "foreign-partition", message, arn };
}

export function isCreator(arn: string, { creatorArn }: PlanGuard): boolean {
  return isIdentity(arn, creatorArn);
}

/** Whether an ARN of an entry is this identity's. A session of a role, and a role with its path, is the same role. */
function isIdentity(arn: string, identity: string | null | undefined): boolean {
  if (identity === undefined || identity === null) return false;
  const canonical = withoutRolePath(canonicalCaller(identity) ?? identity);
  return goFold(canonical) === goFold(arn);
}

function refuseMapping(change: Change & { type: "map" }, entry: Entry | null, guard: PlanGuard): Refusal | null {
  const { arn, username, groups } = change;
  const had = (group: string) => entry?.groups.includes(group) ?? false;
  if (groups.includes(MASTERS) && !guard.allowMasters && !had(MASTERS)) {
    const message = `${MASTERS} bypasses RBAC. Name it in the policy, or ask for another group.`;
    return { code: "masters", message, arn };
  }
  const emptyGroup = { code: "group-empty", message: "This group is empty.", remedy: "Name it, or remove it." };
  const flawsOf = (text: string) => usernameFlaws(text, isForNodes(username, arn, groups));
  // Also as a text that the entry has: no one of the principal would get what is new.
  const shutOut = onlyRemovesGroups(change, entry) ? [] : [username, ...groups].flatMap(flawsOf);
  const flaws: readonly (NameFlaw & { readonly group?: string })[] = [
    ...(username === entry?.username ? [] : flawsOf(username)),
    ...groups.flatMap((group) => {
      const found = had(group) ? [] : group ? groupFlaws(group, true) : [emptyGroup];
      return found.map((flaw) => ({ ...flaw, group }));
    }),
    ...shutOut.filter(({ code }) => code === "template-node"),
  ];
  const [flaw] = flaws;
  if (!flaw) return null;
  const place = flaw.group ? `${arn}, group ${JSON.stringify(flaw.group)}` : arn;
  return { code: flaw.code, message: `${place}: ${flaw.message} ${flaw.remedy}`, arn };
}

/** Why a planned document must not be written, or null. Fails closed: it refuses every unintended effect. */
export function refuseResult(
  before: ReadDocument,
  after: ReadDocument,
  intents: readonly Intent[],
  guard: PlanGuard,
): Refusal | null {
  const others = unintendedArns(before, after, intents);
  if (others.length > 0) {
    const message = `This also affects ${others.slice(0, 3).join(", ")}. Write them out.`;
    return { code: "unintended-change", message };
  }
  const wrong = intents.find((intent) => !isFulfilled(after, intent));
  if (wrong !== undefined) {
    const message = `Another entry overrides that for ${wrong.arn}. Keep only one.`;
    return { code: "without-effect", message, arn: wrong.arn };
  }
  const bytes = sizeOf(after.data);
  const fits = bytes <= DOCUMENT_LIMIT || bytes <= sizeOf(before.data);
  return refuseLockout(before, after, guard) ?? (fits ? null : tooLarge(`${bytes}`));
}

function isFulfilled(after: ReadDocument, intent: Intent): boolean {
  if (intent.type !== "add" && intent.isBeside) return true;
  const entry = entryOf(after, intent.arn);
  if (intent.type === "remove") return entry === null;
  return entry !== null && entry.username === intent.username && sameGroups(entry.groups, intent.groups);
}

/** An administrator besides the creator must remain, if there was one. */
function refuseLockout(before: ReadDocument, after: ReadDocument, guard: PlanGuard): Refusal | null {
  if (guard.allowNoAdministrator) return null;
  const isAdministrator = (entry: Entry) =>
    entry.reachable && entry.groups.includes(MASTERS) && !isCreator(entry.arn, guard);
  if (!before.entries.some(isAdministrator) || after.entries.some(isAdministrator)) return null;
  const message = `This removes the last member of ${MASTERS} besides the creator. Map another first.`;
  return { code: "last-administrator", message };
}

/** Before the text is made and read: it can have more values than are read, which would say nothing of its size. */
export function refuseAdditions({ data }: ReadDocument, intents: readonly Intent[]): Refusal | null {
  let bytes = sizeOf(data);
  for (const intent of intents) {
    // It can make room.
    if (intent.type !== "add") return null;
    bytes += Buffer.byteLength([intent.arn, intent.username, ...intent.groups].join(""));
  }
  return intents.length > 0 && bytes > DOCUMENT_LIMIT ? tooLarge(`at least ${bytes}`) : null;
}

function tooLarge(bytes: string): Refusal {
  const message = `The document would have ${bytes} bytes; a ConfigMap can have ${DOCUMENT_LIMIT}. Remove unused entries.`;
  return { code: "document-too-large", message };
}

/** What the authenticator makes of a caller by two data. An account of mapAccounts has its id as the ARN. */
export interface AccessChange {
  /** As the data write it. */
  readonly arn: string;
  /** More than one if chance decides; none: the caller is not let in. */
  readonly before: readonly Entry[];
  readonly after: readonly Entry[];
}

/** The callers that two documents let in differently. */
export function* accessChanges(one: Data, other: Data): Steps<readonly AccessChange[]> {
  if (SECTIONS.every((section) => sectionText(one, section) === sectionText(other, section))) return [];
  const some = yield* readingSteps(one);
  const others = yield* readingSteps(other);
  const entriesOf = ({ lookup }: ReadDocument, key: string) => entriesOfKey(lookup, key);
  const accountOf = ({ entries }: ReadDocument, id: string) =>
    entries.filter(({ section, arn }) => section === "mapAccounts" && arn === id).slice(0, 1);
  const changeOf = (key: string, found: typeof entriesOf): AccessChange => {
    const [before, after] = [found(some, key), found(others, key)];
    return { arn: (before[0] ?? after[0])?.arn ?? key, before, after };
  };
  const accounts = [...new Set([...some.lookup.accounts, ...others.lookup.accounts])].filter(
    (id) => some.lookup.accounts.has(id) !== others.lookup.accounts.has(id),
  );
  return [
    ...changedCallers(some, others).map((key) => changeOf(key, entriesOf)),
    ...accounts.map((id) => changeOf(id, accountOf)),
  ];
}
