import { AccessError } from "../access/access-error.ts";
import { keptWith } from "../access/collections.ts";
import { remindOfReview } from "../access/emergency.ts";
import { isMigration, isRequest, type LedgerRecord, linkQuestionPrefix, recordDueAt } from "../access/lists.ts";
import { nextMigration } from "../access/migration.ts";
import { type Zone, zoneOf } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import { dueAt, nextVersion, proofDueAt } from "../access/request.ts";
import { type ClusterTrouble, isClusterDue } from "../access/retry.ts";
import { hasForgedReview, lastApproval, withoutForgedReview } from "../access/seals.ts";
import type { ClusterLook } from "../ledger/jobs.ts";
import { jobTypeFor, recordChange } from "../ledger/lifecycle.ts";
import { configurationOf } from "../ledger/look-ups.ts";
import { examineQueues, type QueuesToWake, wake, wakeAll } from "../ledger/queues.ts";
import { inParallel } from "../operations/parallel.ts";
import type { WorkerContext } from "./context.ts";
import { dueChange, forgetFuture, recordDelay, recordDue } from "./due-change.ts";
import { recordPostponed } from "./reconcile/outcome.ts";

/** In this time, another worker that still has a cluster does what is due there. */
const elsewhereMs = 60_000;

const batch = 1000;
const reviewsEveryMs = 3_600_000;
/** One inspection in this many also looks at clusters without an active lease: an ended one can be back there. */
const inspectionsToOneReading = 12;
/** Slack takes about one message a second: more at once only cost Redis. */
const messageBatch = 100;

/** How often one record is shown again in each channel that is behind. */
const outdatedEveryMs = 60_000;

const sweepFailed = "a sweep failed";

export async function sweepInTurn(context: WorkerContext, everyMs: number): Promise<void> {
  try {
    // Shorter than the interval: the workers' timers are never in step.
    if (await context.ledger.takeTurn("sweep", everyMs * 0.9)) await sweep(context);
    else if (isSweepFailing(context)) return;
    context.failures.over(sweepFailed, {});
  } catch (error) {
    context.failures.failed(sweepFailed, {}, error);
  }
}

/** Whether this worker's last sweep failed just now: another one can have had the turns since. */
export function isSweepFailing({ failures, config }: Pick<WorkerContext, "failures" | "config">): boolean {
  return failures.isFailing(sweepFailed, {}, config.timing.sweepEverySeconds * 3_000);
}

/** The safety net of every wake-up and the clock of every lease. Clusters come first, because leases end there. */
export async function sweep(context: WorkerContext): Promise<void> {
  const { ledger, queues, config } = context;
  const now = context.now();
  const known = wokenSince(queues, now);
  // Calls that are made together are one way to Redis and back.
  const [stored, clusters, newServer] = await Promise.all([
    ledger.due(now, batch, (id, dueAt) => known.get(id)?.dueAt === dueAt),
    clustersNow(context),
    ledger.newServer(),
  ]);
  const [forged, looks] = await Promise.all([
    withForgedReviews(context),
    looksByTheClock(context, clusters, newServer !== null),
    forgetFuture(context),
  ]);
  const due = [...stored, ...forged].map((found) => {
    const record = isMigration(found) ? found : withoutForgedReview(found, context.keys.decision, now);
    return { record, change: dueChange(record, now, config.timing.remindAfterSeconds) };
  });
  const isConfigured = ({ cluster }: LedgerRecord) => config.clusters.has(cluster);
  const others = due.filter(({ change }) => change === null).map(({ record }) => record);
  const toLookAt = others.filter(isConfigured).map((record) => ({ record, looks: looksFor(record, now) }));
  await wakeAll(queues, distinct([...toLookAt.flatMap((each) => each.looks), ...looks]));
  for (const { record, looks: woken } of toLookAt) {
    const dueAt = recordDueAt(record);
    // Nothing else of such a record becomes due.
    const isEnd = woken.every(({ type }) => type === "end");
    if (isEnd && dueAt !== null) known.set(record.id, { dueAt, at: now.getTime() });
  }
  await inParallel(due, async ({ record, change }) => change && recordDue(context, record, change, now));
  const left = others.filter((record) => !isConfigured(record) && isOverdue(record, now, elsewhereMs));
  await inParallel(left.filter(isRequest), (request) => reportUnconfigured(context, request));
  // Messages that wait there are often of these records: without Slack, they would be put in again each second.
  const { waiting = 0 } = await queues.messages.getJobCounts("waiting");
  const [unshown, outdated] = await Promise.all([
    ledger.unshown(Math.max(0, messageBatch - waiting)),
    outdatedToTry(context),
  ]);
  await wakeAll(
    queues,
    [...unshown, ...outdated].map((record) => ({ type: "show", record })),
    false,
  );
  await examineQueues(queues, config.clusters.keys());
  // Last, so that ends do not wait for it. Until it is done, each sweep tries it again.
  if (newServer !== null) {
    await showPendingAgain(context);
    await ledger.followServer(newServer);
  }
}

/** One record of each channel that is behind: the bot may be back. */
async function outdatedToTry({ ledger }: WorkerContext): Promise<readonly string[]> {
  if (!(await ledger.takeTurn("outdated-messages", outdatedEveryMs * 0.9))) return [];
  const byChannel = new Map([...(await ledger.outdated())].map(([record, channel]) => [channel, record]));
  return [...byChannel.values()];
}

/** A restored Redis, or a replica that lagged: messages can show later changes, which no process may remember. A lease follows its cluster. */
async function showPendingAgain(context: WorkerContext): Promise<void> {
  const { ledger, queues, config, now, log } = context;
  log.warn("Redis started again, or another server took over: reading what every cluster remembers");
  for (const user of (await ledger.linkQuestions()).keys())
    await wake(queues, { type: "show", record: `${linkQuestionPrefix} ${user}` });
  const of = { list: "pending", clusters: [...config.clusters.keys()], requester: null, match: "any" } as const;
  const migrations = await ledger.migrations.open();
  await inParallel(migrations, (each) => recordChange(context, each, nextMigration(each, {}), null, now()));
  for (let offset = 0; ; offset += batch) {
    const { requests } = await ledger.list(of, offset, batch);
    await inParallel(requests, (each) => recordChange(context, each, nextVersion(each), null, now()));
    if (requests.length < batch) return;
  }
}

/** The queue keeps an end until a run did it or noted its next try. Put in again each second, ends would take a tenth of a busy worker's time. */
const wokenForMs = 5_000;

type WokenEnds = Map<string, { readonly dueAt: number; readonly at: number }>;

const wokenEndsOf = keptWith((_: QueuesToWake): WokenEnds => new Map());

/** The ends that this process has just put into the queue, by their records. */
function wokenSince(queues: QueuesToWake, now: Date): WokenEnds {
  const woken = wokenEndsOf(queues);
  for (const [id, { at }] of woken) if (Math.abs(now.getTime() - at) >= wokenForMs) woken.delete(id);
  return woken;
}

/** A reviewed record is not due any more, so a forged review would hide it for good. Each hour the newest, and a page of the older ones. */
async function withForgedReviews({ ledger, config, keys, now }: WorkerContext): Promise<readonly AccessRequest[]> {
  if (!(await ledger.takeTurn("reviews", reviewsEveryMs))) return [];
  const of = { list: "all", clusters: [...config.clusters.keys()], requester: null, match: "any" } as const;
  const { requests, total } = await ledger.list(of, 0, batch);
  // A power of two: no page is left out while the ledger grows.
  const pages = 2 ** Math.ceil(Math.log2(Math.max(1, total / batch)));
  const page = Math.floor(now().getTime() / reviewsEveryMs) % pages;
  const older = page === 0 ? [] : (await ledger.list(of, page * batch, batch)).requests;
  return [...requests, ...older].filter(
    (request) =>
      hasForgedReview(request, keys.decision, now()) &&
      remindOfReview(withoutForgedReview(request, keys.decision, now()), now()) !== null,
  );
}

function looksFor(request: LedgerRecord, now: Date): readonly ClusterLook[] {
  const { cluster } = request;
  const look = { type: jobTypeFor(request, now), cluster };
  if (isMigration(request)) return [look];
  const proof = proofDueAt(request);
  if (proof === null || proof > now.getTime()) return [look];
  const proved = { signInDueAt: null, reviewTrouble: null, endProof: null };
  const besides = dueAt(request.lease ? { ...request, lease: { ...request.lease, ...proved } } : request);
  const isDueBesides = besides !== null && besides <= now.getTime();
  return [{ type: "sign-in", cluster }, ...(isDueBesides ? [look] : [])];
}

const keptTypes: readonly ClusterLook["type"][] = ["end", "preview", "reconcile"];

/** The looks that no job carried out for this long: their queue is garbled, paused or full. A migration alone needs its one job. */
export async function overdueLooks({ ledger, now }: WorkerContext, lateMs: number): Promise<readonly ClusterLook[]> {
  const due = await ledger.due(new Date(now().getTime() - lateMs), batch);
  const looks = due.filter((each) => isOverdue(each, now(), lateMs)).flatMap((record) => looksFor(record, now()));
  return distinct(looks.filter(({ type }) => keptTypes.includes(type)));
}

function isOverdue(record: LedgerRecord, now: Date, lateMs: number): boolean {
  const lease = isMigration(record) ? null : record.lease;
  // A revoked lease, or one that begins, is due at once, whenever that was.
  const since = lease?.end?.at ?? (lease?.state === "scheduled" ? lastApproval(record.approvals)?.at : undefined);
  return !(Math.max(recordDueAt(record) ?? 0, Date.parse(since ?? "") || 0) > now.getTime() - lateMs);
}

/** A little longer than between two readings of a cluster's memory, in milliseconds. */
export function memoryLateMs({ config }: Pick<WorkerContext, "config">): number {
  return config.timing.inspectEverySeconds * inspectionsToOneReading * 1_100;
}

/** The clusters whose memory no process has read for long: by it ends what someone with Redis prolonged, and they can stop a queue. */
export class LateMemories {
  /** When this process last knew of a reading, in milliseconds since the epoch. A new one trusts the queue first. */
  readonly #readAt = new Map<string, number>();

  async looks(context: WorkerContext, zones: readonly Zone[]): Promise<readonly ClusterLook[]> {
    const [nowMs, lateMs] = [context.now().getTime(), memoryLateMs(context)];
    const late: ClusterLook[] = [];
    for (const [cluster, configured] of context.config.clusters) {
      if (!zones.includes(zoneOf(configured))) continue;
      const readAt = this.#readAt.get(cluster);
      if (readAt !== undefined && nowMs - readAt < lateMs) continue;
      this.#readAt.set(cluster, nowMs);
      const isLate = readAt !== undefined && (await context.ledger.takeTurn(`memory-${cluster}`, lateMs));
      if (isLate) late.push({ type: "adopt", cluster });
    }
    return late;
  }
}

interface ClustersNow {
  readonly names: readonly string[];
  readonly adopted: ReadonlySet<string>;
  readonly troubles: ReadonlyMap<string, ClusterTrouble>;
}

async function clustersNow({ ledger, config }: WorkerContext): Promise<ClustersNow> {
  const names = [...config.clusters.keys()];
  const [adopted, known] = await Promise.all([ledger.adopted(names), ledger.clusterTroubles(names)]);
  return { names, adopted, troubles: new Map([...known].filter(([, { overAt }]) => overAt === null)) };
}

/** New clusters, and when an inspection is due, all: a restored backup can bring ended leases back. */
async function looksByTheClock(
  { ledger, config, now }: WorkerContext,
  { names, adopted, troubles }: ClustersNow,
  isNewServer: boolean,
): Promise<readonly ClusterLook[]> {
  const everyMs = config.timing.inspectEverySeconds * 1000;
  const [isTime, isTimeToRead] = await Promise.all([
    ledger.takeTurn("inspect", everyMs),
    ledger.takeTurn("memories", everyMs * inspectionsToOneReading),
  ]);
  const well = names.filter((name) => !troubles.has(name));
  const tried = await clustersToTry({ ledger, config, now }, troubles);
  const read = [...well.filter((name) => isTimeToRead || !adopted.has(name)), ...tried];
  return [
    ...read.map((cluster): ClusterLook => ({ type: "adopt", cluster })),
    ...(isTime || isNewServer ? well.map((cluster): ClusterLook => ({ type: "inspect", cluster })) : []),
  ];
}

/** A configuration is new once in this time: two workers with different ones would try without end. */
const newConfigurationMs = 15 * 60_000;

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

/** If the cluster is gone, `eks-access retire` closes its requests. Its next try is as soon as that of any end: the cluster can come back. */
async function reportUnconfigured(context: WorkerContext, request: AccessRequest): Promise<void> {
  const what = `The cluster ${request.cluster} is not in eks-access.yml`;
  const error = new AccessError("cluster-not-configured", what, { retryAfterMs: elsewhereMs });
  if (request.state === "approved") return recordPostponed(context, request, error);
  await recordDelay(context, request, { code: error.code, message: error.message });
}
