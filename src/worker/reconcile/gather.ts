import { AccessError, hasCode } from "../../access/access-error.ts";
import type { AuditEvent, ChainedEvent } from "../../access/audit-event.ts";
import { dueWork, idsOf, orphanedShares, sealedEnd, shareInCluster } from "../../access/lease/cluster-leases.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import { isSignInShare } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import { positionInList } from "../../access/lists.ts";
import type { Cluster, Way } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { isClosed, isRescue, nextVersion } from "../../access/request.ts";
import { eventOf, updateRequest } from "../../ledger/lifecycle.ts";
import { sealedArnsOf } from "../../ledger/links.ts";
import { inTurn } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import { inParallel } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { mostEventsOfLife, noteReplayed, oldRecords, withoutEndedMemories } from "./old-records.ts";
import { idsElsewhere, recordDrift, recordEnd, recordOutcome } from "./outcome.ts";
import { proveEnd } from "./prove.ts";
import { entryKeyOf } from "./sign-in-place.ts";
import type { SettleInput, Settlement, WayAdapter, WayContext, WayState } from "./way-adapter.ts";

/** Reports what no record can say at most once in this time, in milliseconds. */
export const reportEveryMs = 60 * 60_000;

/** Concurrent runs see the same untrusted memory: longer than one run, in milliseconds. */
const concurrentRunsMs = 60_000;

export interface WayAttempt<State extends WayState, Decided extends Settlement> extends WayContext {
  readonly adapter: WayAdapter<State, Decided>;
  readonly isLast: boolean;
  /** Begins no lease, but checks the writes of a dead run. */
  readonly onlyEnds: boolean;
  /** The worker has no ledger (`src/worker/upkeep/end-without-ledger.ts`). */
  readonly withoutLedger: boolean;
}

/** Null: ledger and cluster do not fit together, so the run reads everything again. @throws AccessError */
export async function gather<State extends WayState, Decided extends Settlement>(
  run: WayAttempt<State, Decided>,
): Promise<SettleInput<State> | null> {
  const { context, cluster, adapter, isLast } = run;
  await adapter.begin();
  const listed = await context.ledger.leasedOf(cluster.name);
  // No way gives a rescue: what a way holds of one is a lease whose record was edited.
  const open = listed.filter((each) => adapter.isTaken(each) && !isRescue(each));
  // Others made an access entry for its principal since: once that is gone, its groups in aws-auth would count again.
  const canBeLeft = adapter.way === "aws-auth" && !adapter.unlisted;
  const isKnown = (each: ApprovedRequest) =>
    adapter.isTaken(each) || (canBeLeft && each.lease.written?.way === "aws-auth");
  const readAt = context.now().getTime();
  const state = await readCluster(run, listed.filter(isKnown)).catch((error: unknown) =>
    recordAbsence(run, open, error),
  );
  if (!state) return null;
  // A write hides what they did, so the log has it first. The last try goes on: an end does not wait for a log that others empty.
  const isNoted = (why: string) => noteUntrusted(context, cluster, open, why, readAt);
  if (state.untrusted && !isLast && !(await isNoted(state.untrusted))) return null;
  const seen: ApprovedRequest[] = [];
  for (const request of open) if (state.isRead(request.principal)) seen.push(request);
  const leased = await context.ledger.leasedOf(cluster.name);
  // First of all: another run's new end must not look like an old record.
  if (leased !== listed && haveChanged(seen, leased)) {
    if (!isLast) return null;
    throw new AccessError("record-changed", anotherWriter("changes", `the leases of ${cluster.name}`));
  }
  const replayed = await oldRecords(context, seen, state);
  if (replayed.length > 0 && !isLast) {
    await inParallel(replayed, (request) => noteReplayed(context, request));
    return null;
  }
  return factsFor(run, state, seen, leased);
}

/**
 * Reads the cluster again if the log has the end of a lease that a record remembers: in an old copy of a record, that
 * memory does not count. Null: the record is of before the end, which another run has just made.
 */
async function readCluster<State extends WayState, Decided extends Settlement>(
  { context, cluster, adapter, isLast }: WayAttempt<State, Decided>,
  open: readonly ApprovedRequest[],
): Promise<State | null> {
  const state = await adapter.read(open);
  if (state.lost.size === 0) return state;
  const believed = await withoutEndedMemories(context, open, state);
  if (believed.every((request, index) => request === open[index])) return state;
  if (!isLast && haveChanged(open, await context.ledger.leasedOf(cluster.name))) return null;
  return adapter.read(believed);
}

async function factsFor<State extends WayState, Decided extends Settlement>(
  { context, cluster, adapter, onlyEnds, withoutLedger }: WayAttempt<State, Decided>,
  state: State,
  open: readonly ApprovedRequest[],
  leased: readonly ApprovedRequest[],
): Promise<SettleInput<State>> {
  const { keys } = context;
  const { approvalGoodForSeconds } = context.config.timing;
  const now = context.now();
  const orphans = orphansIn(state, idsOf(open), cluster, adapter.way, leased);
  const { over: closed, revoked, returned } = await idsNotLeasedHere(context, orphans, leased, adapter.isTaken);
  await noteReturned(context, cluster, state, returned);
  const all = dueWork(open, now);
  const due = adapter.unlisted ? { ...all, beginning: [], inForce: [] } : all;
  const isThere = (request: ApprovedRequest) => shareInCluster(state.holdings, request) !== undefined;
  const work = onlyEnds ? { ...due, beginning: due.beginning.filter(isThere) } : due;
  const approvers = new Set<string>();
  for (const { approvals } of [...work.beginning, ...work.inForce]) for (const { by } of approvals) approvers.add(by);
  const [links, ofRevoked] = await Promise.all([
    sealedArnsOf(context, approvers, cluster),
    extensionsOfRevoked(context, work.beginning),
  ]);
  const facts = { cluster, way: adapter.way, work, state, closed, revoked, ofRevoked, keys, links, now };
  return { ...facts, approvalGoodForSeconds, withoutLedger };
}

async function extensionsOfRevoked({ ledger }: WorkerContext, beginning: readonly ApprovedRequest[]) {
  const found = new Set<string>();
  await inParallel(beginning, async ({ id, extends: extended }) => {
    const end = extended === null ? null : (await ledger.get(extended))?.lease?.end;
    if (end && end.cause !== "expired") found.add(id);
  });
  return found;
}

/** Without a document no lease in it is active, and due ends are over: the API server refuses planned writes. */
async function recordAbsence<State extends WayState, Decided extends Settlement>(
  { context, cluster, opened }: WayAttempt<State, Decided>,
  open: readonly ApprovedRequest[],
  error: unknown,
): Promise<never> {
  if (hasCode(error, "document-absent")) {
    const { inForce, ending } = dueWork(open, context.now());
    await inParallel(inForce, (request) => recordDrift(context, request, "there is no ConfigMap aws-auth"));
    const readBack = { identity: null, place: "aws-auth", seenAfterMs: null, entryArn: null };
    await inParallel(ending, async (request) => {
      const facts = { cluster, opened, request, readBack, inForce: [] };
      const proved = request.lease.state === "active" ? await proveEnd(context, facts) : null;
      // Without a document the cluster can't remember an early end.
      const isForgotten = Date.parse(sealedEnd(request)) > context.now().getTime();
      await recordEnd(context, request, { isForgotten, proved });
    });
  }
  throw error;
}

/** Another run's removal would look like drift. From here on the resourceVersion protects a document. */
function haveChanged(before: readonly ApprovedRequest[], leased: readonly ApprovedRequest[]): boolean {
  const now = new Map<string, number>();
  for (const { id, version } of leased) now.set(id, version);
  for (const { id, version } of before) if (now.get(id) !== version) return true;
  return false;
}

/** @param leased all of the cluster */
function orphansIn(
  { holdings, signInShares = [] }: WayState,
  open: ReadonlySet<string>,
  { levels }: Cluster,
  way: Way,
  leased: readonly ApprovedRequest[],
) {
  // A run by bindings removes these: the cluster remembers their revocations only there. It reads the access entries of its open leases alone.
  const isLeft = levels.some(({ groups }) => bindsRoles(groups)) ? isSignInShare : () => false;
  const bound = new Set<string>();
  for (const { groups, principal } of way === "access-entry" ? leased : [])
    if (bindsRoles(groups)) bound.add(entryKeyOf(principal));
  const orphans = [...orphanedShares({ shares: signInShares }, open)];
  for (const [key, holding] of holdings) {
    const isReadThere = way !== "access-entry" || bound.has(key);
    for (const share of holding.shares) if (!open.has(share.id) && !(isReadThere && isLeft(share))) orphans.push(share);
  }
  return orphans;
}

/** A run removes them. @param leased all of the cluster: a lease by bindings can have a share in `aws-auth` */
async function idsNotLeasedHere(
  context: WorkerContext,
  orphans: readonly Share[],
  leased: readonly ApprovedRequest[],
  isOfThisWay: (request: AccessRequest) => boolean,
): Promise<Readonly<Record<"over" | "revoked" | "returned", ReadonlySet<string>>>> {
  const [over, revoked, returned] = [new Set<string>(), new Set<string>(), new Set<string>()];
  if (orphans.length === 0) return { over, revoked, returned };
  const records = new Map<string, AccessRequest>();
  for (const request of leased) records.set(request.id, request);
  const unlisted: Share[] = [];
  for (const share of orphans) {
    const known = records.get(share.id);
    if (!known) unlisted.push(share);
    else if (isOver(share, known, isOfThisWay)) over.add(share.id);
    // The record's end is not remembered here, so an old copy would count again.
    if (known && isEdited(share, known)) revoked.add(share.id);
  }
  const { ledger } = context;
  const longAgo = context.now().getTime() - returnedAfterMs;
  await inParallel(unlisted, async (share) => {
    const known = await ledger.get(share.id);
    if (known?.state === "pending") await noteUndone(context, share.id);
    if (known ? isOver(share, known, isOfThisWay) : await ledger.isPermanentLeaseOver(share.id)) over.add(share.id);
    if (known ? isClosed(known) : over.has(share.id)) revoked.add(share.id);
    const endedAt = known?.lease?.endedAt;
    const isBack = known ? endedAt && Date.parse(endedAt) < longAgo : over.has(share.id);
    if (isBack && !isSignInShare(share)) returned.add(share.id);
  });
  return { over, revoked, returned };
}

/** A reading can be of before the end for so long: clocks differ, and EKS shows a change late. */
const returnedAfterMs = 60_000;

/** Others put an old copy of the access in its place. The run that found it removes it, so the log has it first. */
async function noteReturned(context: WorkerContext, cluster: Cluster, state: WayState, ids: ReadonlySet<string>) {
  if (ids.size === 0) return;
  const { ledger, log, now } = context;
  for (const { arn: principal, shares } of state.holdings.values()) {
    const given = state.identityOf(principal)?.groups ?? [];
    for (const { id, groups } of shares) {
      if (!ids.has(id) || !groups.every((group) => given.includes(group))) continue;
      await inTurn(ledger, `returned-${id}`, reportEveryMs, async () => {
        log.error({ request: id, cluster: cluster.name, principal }, "ended access is in the cluster again");
        const event = eventOf("lease.returned", { id, cluster: cluster.name }, "worker", now(), { principal, groups });
        await ledger.note(event);
        recordedEvents.publish(event);
      });
    }
  }
}

function isOver(share: Share, known: AccessRequest, isOfThisWay: (request: AccessRequest) => boolean): boolean {
  // A lease by bindings only lets its person sign in here.
  const isGivenHere = isSignInShare(share) ? bindsRoles(known.groups) : isOfThisWay(known);
  return positionInList("leased", known) === null || !isGivenHere || isEdited(share, known);
}

/** Whether the record says what no change of ours makes of a lease: another kind of access. */
function isEdited(share: Share, known: AccessRequest): boolean {
  return !isSignInShare(share) && (isRescue(known) || bindsRoles(known.groups) !== bindsRoles(share.groups));
}

/** Only a loss of its last changes leaves a request pending while its access is in the cluster. This run removes that, and its messages say so. */
async function noteUndone(context: WorkerContext, id: string): Promise<void> {
  await updateRequest<void>(context, id, async (current) => {
    const [last] = await context.ledger.eventsOf(id, 1);
    if (!current || last?.event.type === "record.undone") return { type: "stop", outcome: undefined };
    context.log.error({ request: id }, "Redis lost later changes of this record");
    const event = eventOf("record.undone", current, "worker", context.now(), idsElsewhere(context, [], current));
    return { type: "write", after: nextVersion(current), event, outcome: undefined };
  });
}

/**
 * Others edited our annotation or tags. Their sealed copies in the records replace them with the next change.
 * @returns whether the log had it already
 */
async function noteUntrusted(
  context: WorkerContext,
  cluster: Cluster,
  open: readonly ApprovedRequest[],
  why: string,
  readAt: number,
): Promise<boolean> {
  const [first] = open;
  if (!first) {
    const turn = `untrusted-${cluster.name}`;
    await inTurn(context.ledger, turn, reportEveryMs, () => reportUntrusted(context, cluster.name, why));
    return true;
  }
  const since = readAt - concurrentRunsMs;
  const isSame = ({ event: { type, at, detail } }: ChainedEvent) =>
    type === "annotation.refused" && detail.why === why && Date.parse(at) > since;
  // If two runs read the log before either wrote to it, the record's version lets one write.
  if ((await context.ledger.eventsOf(first.id, mostEventsOfLife)).some(isSame)) return true;
  context.log.error({ cluster: cluster.name, why }, "the cluster's memory of our leases has no valid seal");
  await recordOutcome(context, first, nextVersion(first), "annotation.refused", { why });
  return false;
}

export async function reportUntrusted(context: WorkerContext, cluster: string, why: string): Promise<void> {
  context.log.error({ cluster, why }, "the cluster's memory of our leases has no valid seal");
  const at = context.now().toISOString();
  const event: AuditEvent = { type: "annotation.refused", at, actor: "worker", request: "", cluster, detail: { why } };
  await context.ledger.note(event);
  recordedEvents.publish(event);
}
