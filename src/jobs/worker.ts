import { type Job, Worker } from "bullmq";
import { callerIdentity } from "../aws/caller-identity.ts";
import type { RedisClient } from "../redis/client.ts";
import { adoptCluster } from "./adopt.ts";
import { answerQuestion, isQuestion } from "./answer-question.ts";
import type { WorkerContext } from "./context.ts";
import { previewCluster } from "./preview.ts";
import { type ClusterJob, clusterJob, queuePrefix } from "./queues.ts";
import { type ReconcileReason, reconcileCluster } from "./reconcile.ts";
import { startSweeper } from "./sweeper.ts";

export interface RunningWorker {
  /** Takes no more work, and waits for what is under way. */
  stop: () => Promise<void>;
}

/** A worker that died is noticed within this time, and its jobs are run by another one. */
const stalled = { lockDuration: 5_000, stalledInterval: 2_000, maxStalledCount: 100 };

/** Starts to work on the queue `clusters` and to sweep. `blocking` must wait for ever (src/redis/connect.ts). */
export async function startWorker(context: WorkerContext, blocking: RedisClient): Promise<RunningWorker> {
  const clusters = new Worker<ClusterJob>("clusters", (job) => look(context, job), {
    connection: blocking,
    prefix: queuePrefix,
    concurrency: 16,
    ...stalled,
  });
  clusters.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
  clusters.on("failed", (job, error) => context.log.error({ job: job?.name, err: error }, "a job failed"));
  const sweeper = startSweeper(context);
  await publishIdentity(context).catch((error: unknown) => {
    context.log.warn({ err: error }, "could not learn the worker's own identity");
  });
  return { stop: async () => void (await Promise.all([clusters.close(), sweeper.stop()])) };
}

/** The return value is the answer, where the job is a question. */
async function look(context: WorkerContext, job: Job<ClusterJob>): Promise<unknown> {
  const data = clusterJob.parse(job.data);
  if (data.type === "alive") return true;
  if (data.type === "identity") return void (await publishIdentity(context));
  const cluster = context.config.clusters.get(data.cluster);
  if (!cluster) {
    return void context.log.error({ cluster: data.cluster }, "a request names a cluster that is not configured");
  }
  if (isQuestion(data)) return answerQuestion(context, cluster, data);
  if (data.type === "preview") await previewCluster(context, cluster);
  else if (data.type === "adopt") await adoptCluster(context, cluster);
  else await reconcileCluster(context, cluster, reasonOf(data.type, job));
  return undefined;
}

/** A job whose worker died is run again, and looks at the cluster whatever is due: something half done may stand there. */
function reasonOf(type: "reconcile" | "inspect", { stalledCounter }: Job): ReconcileReason {
  if (stalledCounter > 0) return "adopt";
  return type === "inspect" ? "inspect" : "due";
}

async function publishIdentity({ config, ledger, now }: WorkerContext): Promise<void> {
  const [first] = config.clusters.values();
  const { arn, account } = await callerIdentity("default", first?.region ?? "us-east-1");
  await ledger.setWorkerIdentity({ arn, account, at: now().toISOString() });
}
