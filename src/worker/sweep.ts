import { remindOfReview } from "../access/approval/emergency.ts";
import { hasForgedReview, withoutForgedReview } from "../access/approval/seals.ts";
import { AccessError } from "../access/failure/access-error.ts";
import type { Lease } from "../access/lease/lease-record.ts";
import type { AccessRequest, ApprovedRequest, PendingRequest } from "../access/request/record.ts";
import { remind } from "../access/request/reminder.ts";
import { dueAt, proofDueAt } from "../access/request/request.ts";
import { type ClusterTrouble, isClusterDue } from "../access/request/retry.ts";
import { closed, withLease } from "../access/request/transitions.ts";
import type { ClusterLook } from "../ledger/jobs.ts";
import { eventOf, lookFor, recordChange } from "../ledger/lifecycle.ts";
import { wakeAll } from "../ledger/queues.ts";
import { isMigration, type LedgerRecord } from "../ledger/records.ts";
import type { WorkerContext } from "./context.ts";
import { delay } from "./delay.ts";
import { inParallel } from "./in-parallel.ts";
import { recordDueMigration } from "./migration/look-at-migration.ts";
import { configurationOf } from "./open/cluster-trouble.ts";
import { putOff } from "./reconcile/outcome.ts";

/** Nothing changes before a person changes the configuration. */
const lookAgainMs = 300_000;

const batch = 1000;
const reviewsEveryMs = 3_600_000;
/** Of so many inspections one looks at clusters in which nothing is in force, too: what is over may be back there. */
const inspectionsToOneReading = 12;
/** Slack takes about one message a second: waking more of them at once only costs Redis. */
const messageBatch = 100;

/**
 * The net under every wake-up and the clock of every lease: finds what is due in the ledger, which messages do not
 * show it yet, and which clusters' memories this ledger has not read. The clusters come first: leases end there.
 */
export async function sweep(context: WorkerContext): Promise<void> {
  const { ledger, queues } = context;
  const now = context.now();
  const found = [...(await ledger.due(now, batch)), ...(await withForgedReviews(context))];
  const due = found.map((stored) => {
    const record = isMigration(stored) ? stored : withoutForgedReview(stored, context.keys.decision, now);
    return { record, change: whatToRecord(context, record, now) };
  });
  const looks = due.flatMap(({ record, change }) => (change ? [] : looksFor(record, now)));
  await wakeAll(queues, distinct([...looks, ...(await looksByTheClock(context))]));
  await inParallel(due, async ({ change }) => change?.());
  const unshown = await ledger.unshown(messageBatch);
  await wakeAll(
    queues,
    unshown.map((record) => ({ type: "show", record })),
  );
}

/** A record that claims a review is not due any more: a forged claim would hide it for good. */
async function withForgedReviews({ ledger, config, keys, now }: WorkerContext): Promise<readonly AccessRequest[]> {
  if (!(await ledger.takeTurn("reviews", reviewsEveryMs))) return [];
  const of = { list: "all", clusters: [...config.clusters.keys()], requester: null, match: "any" } as const;
  const { requests } = await ledger.list(of, 0, batch);
  return requests.filter(
    (request) =>
      hasForgedReview(request, keys.decision, now()) &&
      remindOfReview(withoutForgedReview(request, keys.decision, now()), now()) !== null,
  );
}

/** What of a record that is due is a matter of the record alone; null: a worker has to look at its cluster. */
function whatToRecord(context: WorkerContext, record: LedgerRecord, now: Date): (() => Promise<void>) | null {
  return isMigration(record) ? recordDueMigration(context, record, now) : recordDueRequest(context, record, now);
}

function recordDueRequest(context: WorkerContext, request: AccessRequest, now: Date): (() => Promise<void>) | null {
  const unreviewed = remindOfReview(request, now);
  if (unreviewed) return () => recordUnreviewed(context, unreviewed, now);
  if (request.state === "pending" && hasLapsed(request, now)) return () => lapse(context, request, now);
  const reminded = remind(request, now, context.config.timing.remindAfterSeconds);
  if (reminded) return () => recordReminder(context, reminded, now);
  if (request.state === "approved" && isToBeWarned(request.lease, now)) return () => warn(context, request, now);
  return context.config.clusters.has(request.cluster) ? null : () => strand(context, request);
}

function looksFor(request: LedgerRecord, now: Date): readonly ClusterLook[] {
  const { cluster } = request;
  const look = { type: lookFor(request, now), cluster };
  if (isMigration(request)) return [look];
  const proof = proofDueAt(request);
  if (proof === null || proof > now.getTime()) return [look];
  const proved = { signInDueAt: null, reviewTrouble: null, endProof: null };
  const besides = dueAt(request.lease ? { ...request, lease: { ...request.lease, ...proved } } : request);
  const isDueBesides = besides !== null && besides <= now.getTime();
  return [{ type: "sign-in", cluster }, ...(isDueBesides ? [look] : [])];
}

/**
 * Clusters that were never looked at, and all of them when it is time to see what others did there: often where something
 * is in force, and more seldom everywhere, because a backup that a person writes back brings ended leases with it.
 */
async function looksByTheClock({ ledger, config, now }: WorkerContext): Promise<readonly ClusterLook[]> {
  const names = [...config.clusters.keys()];
  const adopted = await ledger.adopted(names);
  const everyMs = config.timing.inspectEverySeconds * 1000;
  const isTime = await ledger.takeTurn("inspect", everyMs);
  const isTimeToRead = await ledger.takeTurn("memories", everyMs * inspectionsToOneReading);
  const troubles = new Map([...(await ledger.clusterTroubles(names))].filter(([, { overAt }]) => overAt === null));
  const well = names.filter((name) => !troubles.has(name));
  const tried = await clustersToTry({ ledger, config, now }, troubles);
  const read = [...well.filter((name) => isTimeToRead || !adopted.has(name)), ...tried];
  return [
    ...read.map((cluster): ClusterLook => ({ type: "adopt", cluster })),
    ...(isTime ? well.map((cluster): ClusterLook => ({ type: "inspect", cluster })) : []),
  ];
}

/** A configuration counts as new once in this time: two workers with different ones would try without end. */
const newConfigurationMs = 15 * 60_000;

/** Clusters that could not be worked on, and are to be tried now: their time has come, or a person has configured them anew. */
async function clustersToTry(
  { ledger, config, now }: Pick<WorkerContext, "ledger" | "config" | "now">,
  troubles: ReadonlyMap<string, ClusterTrouble>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [name, trouble] of troubles) {
    const cluster = config.clusters.get(name);
    const configuration = cluster ? configurationOf(cluster) : trouble.configuration;
    const isNew = configuration !== trouble.configuration;
    const turn = `configuration-${name}-${configuration}`;
    if (isClusterDue(trouble, now()) || (isNew && (await ledger.takeTurn(turn, newConfigurationMs)))) found.push(name);
  }
  return found;
}

function distinct(wakes: readonly ClusterLook[]): readonly ClusterLook[] {
  return [...new Map(wakes.map((wake) => [`${wake.type} ${wake.cluster}`, wake])).values()];
}

function hasLapsed({ lapsesAt }: PendingRequest, now: Date): boolean {
  return Date.parse(lapsesAt) <= now.getTime();
}

async function lapse(context: WorkerContext, request: PendingRequest, now: Date): Promise<void> {
  await recordChange(context, closed(request, "lapsed"), eventOf("request.lapsed", request, "worker", now), now);
}

async function recordReminder(context: WorkerContext, after: AccessRequest, now: Date): Promise<void> {
  const detail = { sent: after.reminders?.sent ?? 0 };
  await recordChange(context, after, eventOf("request.reminded", after, "worker", now, detail), now);
}

async function recordUnreviewed(context: WorkerContext, after: AccessRequest, now: Date): Promise<void> {
  const detail = { reminders: after.emergency?.reminders ?? 0 };
  await recordChange(context, after, eventOf("emergency.unreviewed", after, "worker", now, detail), now);
}

function isToBeWarned(lease: Lease, now: Date): boolean {
  if (lease.state !== "active" || lease.end || lease.warnedAt || !lease.warnAt) return false;
  return Date.parse(lease.warnAt) <= now.getTime() && now.getTime() < Date.parse(lease.endsAt);
}

async function warn(context: WorkerContext, request: ApprovedRequest, now: Date): Promise<void> {
  const after = withLease(request, { ...request.lease, warnedAt: now.toISOString() });
  await recordChange(context, after, eventOf("lease.warned", request, "worker", now), now);
}

/**
 * Tells of what is due in a cluster that this worker's configuration does not have: nobody can look there, so nothing of it can
 * be given, ended or seen to be gone. A worker that knows the cluster, perhaps started later, goes on with it; where the cluster
 * is gone `eks-access retire` closes it.
 */
async function strand(context: WorkerContext, request: AccessRequest): Promise<void> {
  const what = `The cluster ${request.cluster} is not in eks-access.yml, so no worker handles this request`;
  if (request.state === "approved") {
    return putOff(context, request, new AccessError("cluster-not-configured", what, { retryAfterMs: lookAgainMs }));
  }
  const { code, message } = new AccessError("cluster-not-configured", what);
  await delay(context, request, { code, message });
}
