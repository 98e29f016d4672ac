import { AccessError, hasCode, isLedgerFailure } from "../../access/access-error.ts";
import {
  type DueWork,
  dueWork,
  giveSameAccess,
  hasDueWork,
  idsOf,
  isDueToEnd,
} from "../../access/lease/cluster-leases.ts";
import { genuinelyWritten, isPlaceProved, refuseMovedName } from "../../access/lease/holding.ts";
import { isSignInShare } from "../../access/lease/lease.ts";
import type { OtherLease, Share } from "../../access/lease/lease-record.ts";
import { type Cluster, sealedClusterOf, type Way } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { isRescue, otherLeasesChanged, outdatedRequest } from "../../access/request.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { forgetTrouble, isUnreached, listedIn, noteTrouble, otherLeasesNow } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import { requestIds } from "../../operations/announcements.ts";
import { inParallel } from "../../operations/parallel.ts";
import { tracedRun } from "../../operations/traced.ts";
import type { WorkerContext } from "../context.ts";
import { closeEndedExtension } from "../due-change.ts";
import { type OpenedCluster, openCluster } from "../open-cluster.ts";
import { endRescues } from "../rescue/rescue-lease.ts";
import { endWithoutLedger } from "../upkeep/end-without-ledger.ts";
import type { EntriesToRead } from "./entry-state.ts";
import { recordPostponed } from "./outcome.ts";
import { reconcileWay } from "./reconcile-way.ts";
import type { Settlement, WayAdapter, WayState } from "./way-adapter.ts";
import { type Ways, waysIn, waysToEnd } from "./ways.ts";

/**
 * Why a run looks at a cluster. `due`: something is due in the ledger. `end`: something must end; the run begins
 * nothing, and runs beside the others so that no end waits for a start. `inspect`: it is time to look for others'
 * changes. `adopt`: the cluster can have leases that the ledger does not know, for example after a run died.
 */
export type ReconcileReason = "due" | "end" | "inspect" | "adopt";

/**
 * Makes one cluster match the ledger: gathers everything due, decides once, writes once, proves each lease, records
 * each outcome. It looks at cluster and ledger again each time, so it can run twice, late or after a crash.
 */
export async function reconcileCluster(
  worker: WorkerContext,
  cluster: Cluster,
  reason: ReconcileReason = "due",
): Promise<void> {
  const context = { ...worker, awsRequests: requestIds(), auditIds: requestIds() };
  const leased = await context.ledger.leasedOf(cluster.name).catch(async (error: unknown) => {
    await endIfUnread(context, cluster, error);
    throw error;
  });
  const rescues = leased.some(isRescue) ? endRescues(context, cluster) : Promise.resolve();
  await Promise.all([rescues, reconcileLeases(context, cluster, reason, leased)]);
}

async function reconcileLeases(
  context: WorkerContext,
  cluster: Cluster,
  reason: ReconcileReason,
  leased: readonly ApprovedRequest[],
): Promise<void> {
  const work = workFor(reason, leased, context.now());
  const due = [...work.beginning, ...work.ending];
  // A rescue counts too: a forged record can say that a lease is one.
  const ending = [...work.ending];
  for (const each of leased) if (isRescue(each) && isDueToEnd(each, context.now())) ending.push(each);
  if ((reason === "due" || reason === "end") && !hasDueWork({ ...work, ending }, context.now())) return;
  const isSure = ending.every((each) => isPlaceProved(each, cluster, context.keys));
  const which = isSure ? entriesToRead[reason] : "all";
  if (reason === "inspect" && leased.length === 0) return;
  const servedRequests = due.length > 0 ? due : work.inForce;
  const about = { "eks_access.cluster": cluster.name, "eks_access.reason": reason };
  const rest = { cluster, reason, which, leased, due, servedRequests };
  await tracedRun(context, `reconcile ${cluster.name}`, about, servedRequests, (running) =>
    reconcile({ context: running, ...rest }),
  );
}

interface Run extends Readonly<Record<"leased" | "due" | "servedRequests", readonly ApprovedRequest[]>> {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly reason: ReconcileReason;
  readonly which: EntriesToRead;
}

function workFor(reason: ReconcileReason, leased: readonly ApprovedRequest[], now: Date): DueWork {
  const work = dueWork(leased, now);
  return reason === "end" ? { ...work, beginning: [] } : work;
}

/** One run. If the cluster can't be opened, it postpones everything due. */
async function reconcile(run: Run): Promise<void> {
  const { context, cluster, reason, leased, due, servedRequests } = run;
  const stopClock = context.metrics?.runSeconds.startTimer({ reason });
  let open: OpenedCluster | null = null;
  try {
    refuseMovedName(cluster, leased, context.keys.memory);
    open = await (context.openCluster ?? openCluster)(context, cluster, servedRequests);
    const isWhole = await reconcileWays(run, open);
    await refreshWaitingRequests(context, cluster);
    if (isWhole) await forgetTrouble(context, cluster);
    if (isWhole) context.failures.over(noLedger, { cluster: cluster.name });
    context.failures.over("reconcile failed", { cluster: cluster.name, reason });
  } catch (error) {
    if (hasCode(error, "record-changed")) {
      return await wake(context.queues, { type: reason === "end" ? "end" : "reconcile", cluster: cluster.name });
    }
    await endIfUnread(context, cluster, error);
    if (isUnreached(error, open !== null)) {
      const { retryAt } = await noteTrouble(context, cluster, error);
      // An end has a try each minute: a person has access until it is gone.
      const notBefore = (request: ApprovedRequest) => (isDueToEnd(request, context.now()) ? undefined : retryAt);
      await inParallel(due, (request) => recordPostponed(context, request, error, notBefore(request)));
      return;
    }
    context.failures.failed("reconcile failed", { cluster: cluster.name, reason }, error);
    await inParallel(due, (request) => recordPostponed(context, request, error));
  } finally {
    open?.close();
    stopClock?.();
  }
}

const noLedger = "a run could not use the ledger";

/**
 * One key that a person with Redis made too large to read must not keep access: what is over by the cluster's own memory ends. Not at
 * the first failure: the run that follows can give an extension that the cluster does not know.
 */
async function endIfUnread(context: WorkerContext, cluster: Cluster, error: unknown): Promise<void> {
  if (!isLedgerFailure(error) && !hasCode(error, "cluster-mismatch")) return;
  const about = { cluster: cluster.name };
  context.failures.failed(noLedger, about, error);
  const afterMs = context.config.timing.endWithoutLedgerAfterSeconds * 1000;
  if (context.failures.failingForMs(noLedger, about) < afterMs) return;
  for (const failure of (await endWithoutLedger(context, cluster)).failures)
    context.failures.failed("could not end leases without the ledger", about, failure);
}

/** Each entry needs its own calls. An inspection finds others' changes. */
const entriesToRead: Readonly<Record<ReconcileReason, EntriesToRead>> = {
  due: "due",
  end: "due",
  inspect: "requested",
  adopt: "all",
};

/** Each way separately: a failure of one must not delay the other. @returns whether none failed */
async function reconcileWays(run: Run, opened: OpenedCluster): Promise<boolean> {
  const { context, cluster, reason, which, servedRequests } = run;
  const leased = () => context.ledger.leasedOf(cluster.name);
  const place = { context, cluster, opened };
  let failure: unknown = null;
  const ways = await waysIn(place, leased, which, servedRequests).catch((error: unknown) => {
    failure = error;
    return waysToEnd(place, error);
  });
  const onlyBegins =
    reason === "due" && which !== "all" && !servedRequests.some((request) => isDueToEnd(request, context.now()));
  const { document, entries, bindings } = onlyBegins ? waysToBegin(servedRequests, ways) : ways;
  const options = { onlyEnds: reason === "end" };
  const failed = new Set<Way>();
  const othersThan = (way: Way) =>
    [ways.document, ways.entries, ways.bindings].flatMap((each) => (each && each.way !== way ? [each] : []));
  const runOf = <State extends WayState, Decided extends Settlement>(adapter: WayAdapter<State, Decided> | null) => {
    if (!adapter) return [];
    // What a failed way wrote is still there: another one that takes the lease now can't announce its end.
    const isTaken: typeof adapter.isTaken = (each) =>
      adapter.isTaken(each) && (failed.size === 0 || ![...failed].some((way) => hasWritten(run, way, each)));
    const whyHeldElsewhere = (each: ApprovedRequest) => whyHeld(run, othersThan(adapter.way), each);
    return [{ adapter, act: () => reconcileWay(place, { ...adapter, isTaken, whyHeldElsewhere }, options) }];
  };
  const runs = [...runOf(document), ...runOf(entries), ...runOf(bindings)];
  // A document alone delays no other way, so its failure is the cluster's.
  if (document && runs.length === 1 && failure === null) {
    await reconcileWay(place, document, options);
    return true;
  }
  for (const { adapter, act } of runs) if (!(await orPostpone(run, adapter, act))) failed.add(adapter.way);
  if (failure !== null) throw failure;
  return failed.size === 0;
}

/** A record that an attacker with Redis edited can be of another way than its lease, and the removal there can fail. */
async function whyHeld({ context, cluster }: Run, ways: readonly Readable[], request: ApprovedRequest) {
  if (isPlaceProved(request, cluster, context.keys)) return null;
  const isOf = (share: Share) => share.id === request.id && !isSignInShare(share);
  for (const way of ways) {
    try {
      const { holdings } = await way.read([]);
      if (![...holdings.values()].some(({ shares }) => shares.some(isOf))) continue;
    } catch (error) {
      return error;
    }
    const what = `${cluster.name} remembers access of ${request.id} of another kind than its record says`;
    return new AccessError("cluster-conflict", what);
  }
  return null;
}

type Readable = Pick<WayAdapter<WayState, Settlement>, "read">;

/** Levels say whether bindings give them. An end needs every way, because its record in Redis may be forged. */
function waysToBegin(beginning: readonly ApprovedRequest[], ways: Ways): Ways {
  const bound = beginning.filter(({ groups }) => bindsRoles(groups)).length;
  if (bound === 0) return { ...ways, bindings: null };
  return bound < beginning.length ? ways : { ...ways, document: null, entries: null };
}

/** By our seal: Redis alone delays no end. */
function hasWritten({ context, cluster }: Run, way: Way, request: AccessRequest): boolean {
  return genuinelyWritten(sealedClusterOf(cluster), request, context.keys.memory)?.way === way;
}

/** If a way fails, postpones its due work. @returns whether it worked */
async function orPostpone(
  run: Run,
  { isTaken, way }: Pick<WayAdapter<WayState, Settlement>, "isTaken" | "way">,
  act: () => Promise<void>,
): Promise<boolean> {
  const { context, cluster, reason } = run;
  const about = { cluster: cluster.name, reason, way };
  try {
    await act();
    context.failures.over("reconcile failed", about);
    return true;
  } catch (error) {
    if (hasCode(error, "record-changed")) throw error;
    context.failures.failed("reconcile failed", about, error);
    await endIfUnread(context, cluster, error);
    const { beginning, ending } = workFor(reason, await context.ledger.leasedOf(cluster.name), context.now());
    const isIts = (each: ApprovedRequest) => isTaken(each) || hasWritten(run, way, each);
    await inParallel([...beginning, ...ending].filter(isIts), (request) => recordPostponed(context, request, error));
    return false;
  }
}

/** The click itself checks the rest. */
const maxPending = 200;

/** After other leases began or ended, so that approvers see the present change. Closes extensions of leases that are over. */
async function refreshWaitingRequests(context: WorkerContext, cluster: Cluster): Promise<void> {
  const requests = await listedIn(context.ledger, "pending", cluster.name, maxPending);
  const waiting = requests.filter(({ preview, extends: extended }) => preview || extended);
  if (waiting.length === 0) return;
  // One reading for all: a cluster can have hundreds of requests.
  const leased = await context.ledger.leasedOf(cluster.name);
  const ending = idsOf(dueWork(leased, context.now()).ending);
  for (const request of waiting) await lookAgain(context, request, leased, ending);
}

async function lookAgain(
  context: WorkerContext,
  request: AccessRequest,
  leased: readonly ApprovedRequest[],
  ending: ReadonlySet<string>,
): Promise<void> {
  if (request.state !== "pending") return;
  const now = context.now();
  const ledger = { get: context.ledger.get, leasedOf: async () => leased };
  const { leases, isExtendedLeaseOver } = await otherLeasesNow(ledger, request, now);
  if (isExtendedLeaseOver) return closeEndedExtension(context, request);
  if (!request.preview || !isOutdated(request, leases, ending, now)) return;
  const approvers = request.approvals.map(({ by }) => by);
  const type = approvers.length > 0 ? "approval.void" : "preview.outdated";
  const event = eventOf(type, request, "worker", now, { why: otherLeasesChanged, approvers });
  await recordChange(context, request, outdatedRequest(request, otherLeasesChanged), event, now);
}

/**
 * Before any approval, approvers see every difference. Later, an approval becomes void only if the result would differ. The next preview
 * would show a lease that still ends again: it differs once it is gone.
 */
function isOutdated(
  { preview, approvals }: AccessRequest,
  found: readonly OtherLease[],
  ending: ReadonlySet<string>,
  now: Date,
): boolean {
  const shown = (preview?.leases ?? []).filter(({ id }) => !ending.has(id));
  return approvals.length > 0 ? !giveSameAccess(shown, found, now) : JSON.stringify(shown) !== JSON.stringify(found);
}
