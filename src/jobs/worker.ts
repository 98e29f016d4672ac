import { type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { callerIdentity } from "../aws/caller-identity.ts";
import type { WorkerContext } from "./context.ts";
import { previewCluster } from "./preview.ts";
import { type ClusterJob, clusterJob, queuePrefix } from "./queues.ts";
import { reconcileCluster } from "./reconcile.ts";
import { sweep } from "./sweep.ts";

export interface RunningWorker {
  /** Takes no more work, and waits for what is under way. */
  stop: () => Promise<void>;
}

export interface WorkerConnections {
  /** Fails at once: for putting jobs in. */
  readonly redis: Redis;
  /** Waits for ever: for taking jobs out. */
  readonly blocking: Redis;
}

/** A worker that died is noticed within this time, and its jobs are run by another one. */
const stalled = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 100 };

/** Starts to work on the queue `clusters` and to sweep. Any number of workers may run. */
export async function startWorker(context: WorkerContext, connections: WorkerConnections): Promise<RunningWorker> {
  const options = { connection: connections.blocking, prefix: queuePrefix, ...stalled };
  const clusters = new Worker<ClusterJob>("clusters", (job) => look(context, job), { ...options, concurrency: 16 });
  const sweeps = new Worker("sweep", () => sweep(context), { ...options, concurrency: 1 });
  for (const worker of [clusters, sweeps]) {
    worker.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
    worker.on("failed", (job, error) => context.log.error({ job: job?.name, err: error }, "a job failed"));
  }
  const schedule = new Queue("sweep", { connection: connections.redis, prefix: queuePrefix });
  schedule.on("error", () => {});
  await schedule.upsertJobScheduler(
    "sweep",
    { every: context.config.timing.sweepEverySeconds * 1000 },
    { name: "sweep", opts: { removeOnComplete: true, removeOnFail: 100 } },
  );
  await publishIdentity(context).catch((error: unknown) => {
    context.log.warn({ err: error }, "could not learn the worker's own identity");
  });
  return {
    stop: async () => {
      await Promise.all([clusters.close(), sweeps.close()]);
      await schedule.close();
    },
  };
}

async function look(context: WorkerContext, job: Job<ClusterJob>): Promise<void> {
  const data = clusterJob.parse(job.data);
  if (data.type === "identity") return publishIdentity(context);
  const cluster = context.config.clusters.get(data.cluster);
  if (!cluster) return context.log.error({ cluster: data.cluster }, "a request names a cluster that is not configured");
  await (data.type === "preview" ? previewCluster : reconcileCluster)(context, cluster);
}

async function publishIdentity({ config, ledger, now }: WorkerContext): Promise<void> {
  const [first] = config.clusters.values();
  const { arn, account } = await callerIdentity("default", first?.region ?? "us-east-1");
  await ledger.setWorkerIdentity({ arn, account, at: now().toISOString() });
}
