import type { Attributes } from "@opentelemetry/api";
import type { Job as BullJob } from "bullmq";
import { type Cluster, type Zone, zoneOf, zoneReportEveryMs } from "../access/policy/cluster.ts";
import type { RedisClient } from "../ledger/client.ts";
import { type JobHandlers, readJob, runJob, type WorkerJob, workerJobs } from "../ledger/jobs.ts";
import { type QueueWork, timeInQueue, wakeLater, wasStartedBefore, workOnJobs } from "../ledger/queues.ts";
import { withinDeadline } from "../operations/deadlines.ts";
import { inParallel } from "../operations/parallel.ts";
import { type Stoppable, startTicking, stoppable } from "../operations/stoppable.ts";
import { tracedAnswer } from "../operations/traced.ts";
import type { WorkerContext } from "./context.ts";
import { lookAtMigration, reportMigration } from "./migration/look-at-migration.ts";
import { publishIdentity } from "./open-eks.ts";
import { previewCluster } from "./preview/preview.ts";
import { reportChain } from "./questions/chain.ts";
import { reportCheck } from "./questions/check.ts";
import { reportCreator } from "./questions/creator.ts";
import { reportIdentities } from "./questions/identities.ts";
import { reportNamespaces } from "./questions/look-at-cluster.ts";
import { reportWhy } from "./questions/why.ts";
import { adoptByTheClock } from "./reconcile/adopt.ts";
import { type ReconcileReason, reconcileCluster } from "./reconcile/reconcile.ts";
import { removalsEveryMs, removeClosedByTheClock } from "./remove-closed.ts";
import { signInToCluster } from "./sign-in/sign-in-cluster.ts";
import { LateMemories, overdueLooks, sweepInTurn } from "./sweep.ts";
import { removedEveryMs, reportRemoved } from "./upkeep/removed-clusters.ts";

interface JobContext extends WorkerContext {
  /** An earlier start of this job did not end. */
  readonly isBegunBefore: boolean;
}

/** What a worker does in each job. The return value of a question's run is its answer. */
export const workerRuns: JobHandlers<typeof workerJobs, [JobContext]> = {
  preview: onCluster(previewCluster),
  reconcile: onCluster(reconcileFor("due")),
  end: onCluster(reconcileFor("end")),
  inspect: onCluster(reconcileFor("inspect")),
  adopt: onCluster(adoptByTheClock),
  "sign-in": onCluster(signInToCluster),
  migration: onCluster(lookAtMigration),
  alive: async () => true,
  identity: (_, context) => publishIdentity(context),
  identities: onCluster(reportIdentities),
  namespaces: onCluster(reportNamespaces),
  creator: onCluster(reportCreator),
  whoami: onCluster(reportChain),
  check: onCluster(reportCheck),
  why: onCluster(reportWhy),
  migrate: onCluster(reportMigration),
};

function onCluster<Asked>(run: (context: JobContext, cluster: Cluster, asked: Asked) => Promise<unknown>) {
  return async (job: Asked & { readonly cluster: string }, context: JobContext): Promise<unknown> => {
    const cluster = context.config.clusters.get(job.cluster);
    if (cluster) return run(context, cluster, job);
    context.log.error({ cluster: job.cluster }, "a job names a cluster that is not configured");
  };
}

/** A job that started before inspects the cluster: it can have left something half done. */
function reconcileFor(reason: ReconcileReason) {
  return (context: JobContext, cluster: Cluster) =>
    reconcileCluster(context, cluster, context.isBegunBefore ? "adopt" : reason);
}

/** `blocking` waits without a limit. @param context each run keeps its first configuration @param zones of its clusters */
export function startWorker(
  context: () => WorkerContext,
  blocking: RedisClient,
  zones: readonly Zone[] = [null],
): Stoppable {
  const own = zones.flatMap((zone) => (["clusters", "ends"] as const).map((queue) => ({ queue, zone })));
  const sweepEveryMs = context().config.timing.sweepEverySeconds * 1000;
  const ticking = (name: string, everyMs: number, act: (now: WorkerContext) => Promise<void>) => {
    const timer = startTicking(everyMs, () => act(context()));
    return stoppable(timer, name);
  };
  const memories = new LateMemories();
  const parts = [
    ...own.map((each) => workOn(each, zones, context, blocking)),
    ticking("the sweep", sweepEveryMs, (now) => sweepInTurn(now, sweepEveryMs)),
    // Beside the sweep, so that no end waits for removals.
    ticking("removing closed records", removalsEveryMs, removeClosedByTheClock),
    ticking("looking for removed clusters", removedEveryMs, reportRemoved),
    ticking("saying which zones it serves", zoneReportEveryMs, (now) => noteZones(now, zones)),
    ticking("working beside the queues", overdueMs / 3, (now) => workOverdue(now, zones, memories)),
  ];
  return { stop: async (deadline) => (await Promise.all(parts.map(({ stop }) => stop(deadline)))).flat() };
}

/** Much longer than a job waits for a busy worker; an end with its run is within a minute. */
const overdueMs = 30_000;

/** A queue in Redis must not keep access, nor people from it. Only an end is worth the work of each worker. */
export function workOverdue(context: WorkerContext, zones: readonly Zone[], memories: LateMemories): Promise<void> {
  const { config, ledger, log, failures } = context;
  return failures.during("could not work beside the queues", {}, async () => {
    const isOwn = (cluster: Cluster | undefined) => cluster !== undefined && zones.includes(zoneOf(cluster));
    const all = [...(await overdueLooks(context, overdueMs)), ...(await memories.looks(context, zones))];
    const own = all.filter(({ cluster }) => isOwn(config.clusters.get(cluster)));
    if (own.length > 0) log.warn({ looks: own }, "their queue does not carry these out: this worker does it itself");
    await inParallel(own, async (look) => {
      const isDue = look.type === "end" || (await ledger.takeTurn(`overdue-${look.type}-${look.cluster}`, overdueMs));
      if (isDue) await runInTime(context, look);
    });
  });
}

/** Jobs of each queue at once: ends have their own. */
const concurrency = 16;

function workOn(
  { queue, zone }: Pick<QueueWork<WorkerJob>, "queue"> & { readonly zone: Zone },
  zones: readonly Zone[],
  context: () => WorkerContext,
  blocking: RedisClient,
): Stoppable {
  const { log, config } = context();
  const failed: QueueWork<WorkerJob>["failed"] = (job, error) =>
    log.error({ job: job?.name, err: error }, "a job failed");
  const read = (data: unknown) => readJob(workerJobs, data);
  const run = (job: WorkerJob, running: BullJob) => {
    const now = context();
    return isElsewhere(now, zones, job) ? wakeLater(now.queues, job, elsewhereMs) : runInTime(now, job, running);
  };
  const lockMs = config.timing.deadlines.jobLock;
  return workOnJobs({ queue, zone, read, run, failed, log, concurrency, lockMs }, blocking);
}

/** For some seconds, two workers can have different configurations. */
const elsewhereMs = 1_000;

/** Whether a job's cluster is now in another zone: it continues in that zone's queue. A question gets its answer here. */
function isElsewhere({ config }: WorkerContext, zones: readonly Zone[], job: WorkerJob): boolean {
  const cluster = "cluster" in job ? config.clusters.get(job.cluster) : undefined;
  return cluster !== undefined && !workerJobs[job.type].isQuestion && !zones.includes(zoneOf(cluster));
}

function noteZones({ ledger, now, failures }: WorkerContext, zones: readonly Zone[]): Promise<void> {
  return failures.during("could not tell that a zone has a worker", {}, async () => {
    for (const zone of zones) await ledger.noteZone(zone, now());
  });
}

/** @param running undefined: no queue has the job */
function runInTime(worker: WorkerContext, job: WorkerJob, running?: BullJob): Promise<unknown> {
  // A line without a request, as of a periodic look, names the job.
  const log = worker.log.child({ job: job.type });
  const context = {
    ...worker,
    log,
    ...(running && { waited: timeInQueue(running) }),
    isBegunBefore: running !== undefined && wasStartedBefore(running),
  };
  const { deadline, isQuestion } = workerJobs[job.type];
  return withinDeadline(deadline, context.config.timing.deadlines, () => {
    if (!isQuestion) return runJob(workerRuns, job.type, job, context);
    const about: Attributes = "cluster" in job ? { "eks_access.cluster": job.cluster } : {};
    const askedIn = running?.opts.telemetry?.metadata;
    return tracedAnswer(context, job.type, about, askedIn, () => runJob(workerRuns, job.type, job, context));
  });
}
