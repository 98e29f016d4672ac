import { type Job, Worker } from "bullmq";
import { callerIdentity } from "../aws/caller-identity.ts";
import { endedBy, HandBack, type Stoppable, wasBegunBefore } from "../ledger/hand-back.ts";
import { type ClusterJob, clusterJob, queuePrefix } from "../ledger/queues.ts";
import type { RedisClient } from "../ledger/redis/client.ts";
import { waitOf } from "../ledger/wait-of.ts";
import type { DeadlineName } from "../operations/deadlines.ts";
import { withinDeadline } from "../operations/time-limit.ts";
import { tracedAnswer } from "../operations/tracing/question-traces.ts";
import type { Attributes } from "../operations/tracing/traced.ts";
import type { WorkerContext } from "./context.ts";
import { lookAtMove } from "./migration/look-at-move.ts";
import { previewCluster } from "./preview/preview.ts";
import { answerQuestion, isQuestion } from "./questions/answer-question.ts";
import { adoptByTheClock } from "./reconcile/adopt.ts";
import { type ReconcileReason, reconcileCluster } from "./reconcile/reconcile.ts";
import { signInToCluster } from "./sign-in/sign-in-cluster.ts";
import { sweep } from "./sweep.ts";

/** A worker that died is noticed within this time, and its jobs are run by another one. */
const stalled = { lockDuration: 5_000, stalledInterval: 2_000, maxStalledCount: 100 };

/** Starts to work on the queues of clusters and to sweep. `blocking` must wait for ever (src/ledger/redis/connect.ts). */
export function startWorker(context: WorkerContext, blocking: RedisClient): Stoppable {
  const queues = ["clusters", "ends"].map((name) => workOn(name, context, blocking));
  const sweeper = startSweeper(context);
  return {
    stop: async (deadline) => {
      const sweeping = endedBy(sweeper.stop(), "the sweep", deadline);
      const left = await Promise.all([...queues.map(({ stop }) => stop(deadline)), sweeping]);
      return left.flat();
    },
  };
}

/** So many jobs of each queue at once. Ends have theirs beside all others. */
const concurrency = 16;

function workOn(queue: string, context: WorkerContext, blocking: RedisClient): Stoppable {
  const handBack = new HandBack();
  const take = (job: Job<ClusterJob>, token?: string) => handBack.run(job, token, inTime(context, job));
  const worker = new Worker<ClusterJob>(queue, take, {
    connection: blocking,
    prefix: queuePrefix,
    concurrency,
    ...stalled,
  });
  worker.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
  worker.on("failed", (job, error) => context.log.error({ job: job?.name, err: error }, "a job failed"));
  return { stop: (deadline) => handBack.close(worker, deadline) };
}

function inTime(context: WorkerContext, job: Job<ClusterJob>): Promise<unknown> {
  return withinDeadline(deadlineOf(job.data), context.config.timing.deadlines, () => look(context, job));
}

function deadlineOf({ type }: ClusterJob): DeadlineName {
  switch (type) {
    case "preview":
    case "reconcile":
    case "end":
    case "inspect":
    case "adopt":
      return "run";
    case "sign-in":
      return "signIn";
    case "move":
      return "migration";
    default:
      return "question";
  }
}

/** The return value is the answer, where the job is a question. */
async function look(worker: WorkerContext, job: Job<ClusterJob>): Promise<unknown> {
  const context = { ...worker, waited: waitOf(job) };
  const data = clusterJob.parse(job.data);
  if (data.type === "alive" || data.type === "identity") {
    return answered(context, job, async () => data.type === "alive" || void (await publishIdentity(context)));
  }
  const cluster = context.config.clusters.get(data.cluster);
  if (!cluster) {
    return void context.log.error({ cluster: data.cluster }, "a request names a cluster that is not configured");
  }
  if (isQuestion(data)) {
    return answered(context, job, () => answerQuestion(context, cluster, data), { "eks_access.cluster": cluster.name });
  }
  if (data.type === "preview") await previewCluster(context, cluster);
  else if (data.type === "adopt") await adoptByTheClock(context, cluster);
  else if (data.type === "move") await lookAtMove(context, cluster);
  else if (data.type === "sign-in") await signInToCluster(context, cluster);
  else await reconcileCluster(context, cluster, reasonOf(data.type, job));
  return undefined;
}

function answered<T>(
  context: WorkerContext,
  { name, opts }: Job<ClusterJob>,
  act: () => Promise<T>,
  about: Attributes = {},
): Promise<T> {
  return tracedAnswer(context, name, about, opts.telemetry?.metadata, act);
}

/** A job that was begun before looks at the cluster whatever is due: something half done may stand there. */
function reasonOf(type: "reconcile" | "end" | "inspect", job: Job): ReconcileReason {
  if (wasBegunBefore(job)) return "adopt";
  return type === "reconcile" ? "due" : type;
}

/** Lets people see as whom AWS knows the worker. */
export async function publishIdentity({ config, ledger, now }: WorkerContext): Promise<void> {
  const [first] = config.clusters.values();
  const { arn, account } = await callerIdentity("default", first?.region ?? "us-east-1");
  await ledger.setWorkerIdentity({ arn, account, at: now().toISOString() });
}

/**
 * Sweeps again and again, in each worker: one of them takes each turn. The clock is the process's own, so that a Redis
 * that lost everything, schedules included, is swept as soon as it is back.
 */
function startSweeper(context: WorkerContext): { stop: () => Promise<void> } {
  const everyMs = context.config.timing.sweepEverySeconds * 1000;
  let sweeping: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    sweeping = turn(context, everyMs).finally(() => {
      isIdle = true;
    });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return sweeping;
    },
  };
}

async function turn(context: WorkerContext, everyMs: number): Promise<void> {
  try {
    // Shorter than the interval: the timers of the workers are never quite in step.
    if (await context.ledger.takeTurn("sweep", everyMs * 0.9)) await sweep(context);
  } catch (error) {
    context.log.warn({ err: error }, "a sweep failed; the next one is due soon");
  }
}
