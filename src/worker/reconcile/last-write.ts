import { hash } from "node:crypto";
import { AccessError } from "../../access/access-error.ts";
import { readPrincipal } from "../../access/arn.ts";
import type { AuditEvent } from "../../access/audit-event.ts";
import { keptWith } from "../../access/collections.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { isAsWeLeftIt } from "../../access/lease/drift.ts";
import { isEndedForMore, isOwnUsername, isSignInShare, usernameFor } from "../../access/lease/lease.ts";
import type { Holding, MappedIdentity } from "../../access/lease/lease-record.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { outsideWords } from "../../access/redact.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { sealNotice } from "../../access/shared-lists.ts";
import {
  type AccessChange,
  callerKey,
  changedCallers,
  type Entry,
  entriesFor,
  entryOf,
  type ReadDocument,
  sameGroups,
} from "../../aws-auth/index.ts";
import type { AwsAuthConfigMap, AwsAuthContent } from "../../kubernetes/config-map.ts";
import { inTurn } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import { readAnnotationRemembered, readRemembered, writeAnnotationRemembered } from "../remembered.ts";
import type { WayContext } from "./way-adapter.ts";

// An admission webhook can change a write, and the worker can die before it reads the answer. So each write remembers, in the same
// object, what it plans for our entries, and the next run compares.

/** A document with our part of it. */
export interface HeldDocument {
  readonly document: ReadDocument;
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly changed: ChangedEntries;
}

/** With the plan of a write for their entries. What a webhook changed before stays as it was planned: a write can leave it there. */
export function withPlan(
  holdings: readonly Holding[],
  document: ReadDocument,
  { document: was, holdings: known, changed }: HeldDocument,
): readonly Holding[] {
  const settled = settledIn(was)(known);
  const touched = new Set(changedCallers(was, document));
  return withLast(holdings, (holding) => {
    if (settled.has(holding) && !touched.has(callerOf(holding))) return holding;
    const key = holding.arn.toLowerCase();
    const entry = entryOf(document, holding.arn);
    if (changed.has(key)) return known.get(key);
    return { beside: plannedBeside(holding, entry), hidden: hiddenIn(was, entry, holding, known.get(key)) };
  });
}

/** In the document of before, so that none is a copy of what this write makes. Later copies, of the same groups, do not count. */
function hiddenIn(
  was: ReadDocument,
  entry: Entry | null,
  { entryAdded }: Holding,
  before: Holding | undefined,
): Holding["hidden"] {
  if (!entry || entryAdded) return undefined;
  const counts = entryOf(was, entry.arn);
  if (before && counts && sameGroups(counts.groups, entry.groups)) return before.hidden;
  const isSame = (each: Entry) => each !== counts && sameGroups(each.groups, entry.groups);
  return entriesFor(was, entry.arn).filter(isSame).length || undefined;
}

const callerOf = keptWith(({ arn }: Holding) => callerKey(arn));

/** Our parts that have what their plan says. Nearly all, and the preview of a request reads the same document as the run that follows it. */
const settledIn = keptWith((document: ReadDocument) =>
  keptWith((holdings: ReadonlyMap<string, Holding>): ReadonlySet<Holding> => {
    const settled = new Set<Holding>();
    for (const holding of holdings.values()) {
      if (isSameList(plannedBeside(holding, entryOf(document, holding.arn)), holding.beside)) settled.add(holding);
    }
    return settled;
  }),
);

/** Undefined: others have renamed our entry, so it is theirs. */
function plannedBeside({ entryAdded, added }: Holding, entry: Entry | null): Holding["beside"] {
  if (!entry) return [];
  if (entryAdded && !isOwnUsername(entry.username)) return undefined;
  return entry.groups.filter((group) => !added.includes(group));
}

/** With the plan of the last write, so that a run without a change writes the same text. */
export function withLastPlan(holdings: readonly Holding[], known: ReadonlyMap<string, Holding>): readonly Holding[] {
  return withLast(holdings, ({ arn }) => known.get(arn.toLowerCase()));
}

/** What stays as it was stays the same value. */
function withLast(
  holdings: readonly Holding[],
  lastOf: (holding: Holding) => { readonly [Name in "beside" | "hidden"]?: Holding[Name] | undefined } | undefined,
): readonly Holding[] {
  let after: Holding[] | null = null;
  for (const [index, holding] of holdings.entries()) {
    const { beside, hidden } = lastOf(holding) ?? {};
    if (isSameList(beside, holding.beside) && hidden === holding.hidden) continue;
    const { beside: _beside, hidden: _hidden, ...bare } = holding;
    after ??= [...holdings];
    after[index] = { ...bare, ...(beside && { beside }), ...(hidden && { hidden }) };
  }
  return after ?? holdings;
}

function isSameList(some: Holding["beside"], others: Holding["beside"]): boolean {
  if (some === others || !some || !others) return some === others;
  return some.length === others.length && some.every((group, index) => group === others[index]);
}

/** Annotations with the plan of a write that is no lease's. @param before null: there is no ConfigMap */
export async function annotationsWithPlan(
  cluster: Cluster,
  before: AwsAuthConfigMap | null,
  { data, annotations }: AwsAuthContent,
  keys: MemoryKeys,
): Promise<AwsAuthContent["annotations"]> {
  const place = sealedClusterOf(cluster);
  const reading = readAnnotationRemembered(place, annotations[leasesAnnotation], keys);
  if (reading.type !== "holdings") return annotations;
  const was = await readRemembered(before?.data ?? {});
  const document = await readRemembered(data);
  const holdings = new Map(reading.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  const changed = changedInLastWrite(holdings, was, before, []);
  const planned = withPlan(reading.holdings, document, { document: was, holdings, changed });
  const text = writeAnnotationRemembered(place, planned, keys, reading.withdrawals);
  return text === null ? annotations : { ...annotations, [leasesAnnotation]: text };
}

/** An entry of ours that a webhook changed in our last write. */
export interface ChangedEntry {
  readonly entry: Entry;
  /** As that write planned it; null: as if it were absent. */
  readonly planned: MappedIdentity | null;
  /** The name that it has now, if that is not ours. */
  readonly renamed?: string;
}

export type ChangedEntries = ReadonlyMap<string, ChangedEntry>;

/** By lower-case ARN: entries with more than our last write planned, if no one else has written their section since. */
export function changedInLastWrite(
  holdings: ReadonlyMap<string, Holding>,
  document: ReadDocument,
  configMap: Pick<AwsAuthConfigMap, "managers"> | null,
  open: readonly AccessRequest[],
): ChangedEntries {
  // A worker that could not take back what came may only have ended its leases.
  const ended = new Set(
    open.filter(({ lease }) => lease && isEndedForMore(lease)).map((each) => each.principal.toLowerCase()),
  );
  const changed = new Map<string, ChangedEntry>();
  const settled = settledIn(document)(holdings);
  for (const [key, holding] of holdings) {
    if (settled.has(holding)) continue;
    const { beside, entryAdded, added } = holding;
    const entry = beside ? entryOf(document, holding.arn) : null;
    if (!beside || !entry) continue;
    const groups = entry.groups.filter((group) => added.includes(group) || beside.includes(group));
    const isRenamed = entryAdded && !isOwnUsername(entry.username);
    if (groups.length === entry.groups.length && !isRenamed) continue;
    if (!ended.has(key) && !isAsWeLeftIt(configMap?.managers ?? [], entry.section)) continue;
    const { username } = entry;
    const renamed = isRenamed && { planned: plannedIdentity(holding, groups), renamed: username };
    changed.set(key, { entry, planned: { username, groups }, ...renamed });
  }
  return changed;
}

function plannedIdentity({ arn, shares }: Holding, groups: readonly string[]): MappedIdentity | null {
  const principal = readPrincipal(arn);
  // The name of an entry for bindings alone follows from its leases: they write it again.
  if (principal.type === "invalid" || shares.every(isSignInShare)) return null;
  return { username: usernameFor(principal.principal), groups };
}

const dayMs = 24 * 3_600_000;
const maxLines = 20;
const maxLine = 400;

/** @param changes what a webhook did, as clauses */
export async function reportChanges(
  place: Pick<WayContext, "context" | "cluster">,
  changes: readonly string[],
): Promise<void> {
  const { context, cluster } = place;
  // Its failure must not hide what the write did.
  await reportOnce(place, changes).catch((err: unknown) =>
    context.log.error({ cluster: cluster.name, err }, "could not report a webhook"),
  );
}

/** The same once a day. */
async function reportOnce({ context, cluster }: Pick<WayContext, "context" | "cluster">, changes: readonly string[]) {
  const { ledger, keys, log, now } = context;
  log.error({ cluster: cluster.name, changes }, "an admission webhook changed a write to aws-auth");
  const at = now().toISOString();
  const id = `webhook-${hash("sha256", JSON.stringify([cluster.name, changes])).slice(0, 16)}`;
  await inTurn(ledger, id, dayMs, async () => {
    const event = writeChanged(cluster, changes, at);
    await ledger.note(event);
    recordedEvents.publish(event);
    const title = `An admission webhook changes aws-auth of ${cluster.name}`;
    const { remedy } = new AccessError("document-changed", "");
    await ledger.addNotice(sealNotice({ id: `${id}-${at}`, at, title, lines: [...changes, remedy] }, keys.preview));
  });
}

/** Clauses. */
export function changesInWords(all: readonly AccessChange[]): readonly string[] {
  const lines = [...new Set(all.map(changeInWords))];
  const left = lines.length - maxLines;
  return [...lines.slice(0, maxLines), ...(left > 0 ? [`${left} more`] : [])];
}

export function writeChanged({ name }: WayContext["cluster"], changes: readonly string[], at: string): AuditEvent {
  const detail = { code: "document-changed", changes };
  return { type: "write.changed", at, actor: "worker", request: "", cluster: name, detail };
}

function changeInWords({ arn, before, after }: AccessChange): string {
  const as = (entries: readonly Entry[]) => entries.map(identityInWords).join(" or ");
  if (before.length === 0) return outsideWords(`added ${arn}: ${as(after)}`, maxLine);
  if (after.length === 0) return outsideWords(`dropped ${arn}: ${as(before)}`, maxLine);
  return outsideWords(`changed ${arn}: ${as(after)} instead of ${as(before)}`, maxLine);
}

function identityInWords({ section, username, groups }: Entry): string {
  return section === "mapAccounts" ? "mapAccounts" : `${username} with ${groups.join(", ") || "no groups"}`;
}
