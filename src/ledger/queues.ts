import { type JobsOptions, Queue } from "bullmq";
import { type Job, kindOf, type QueueName } from "./jobs.ts";
import type { RedisClient } from "./redis/client.ts";

/** BullMQ's keys carry the ledger's hash tag, so that both are in one slot of a Redis Cluster. */
export const queuePrefix = "{eks-access}";

/** What it takes to put jobs into the queues. */
export type QueuesToWake = Readonly<Record<QueueName, Pick<Queue<Job>, "add" | "addBulk">>>;

/** Queues for new jobs. */
export interface Queues extends Readonly<Record<QueueName, Queue<Job>>> {
  close: () => Promise<void>;
}

/** Opens the queues. `redis` must be a connection that fails at once (src/ledger/redis/connect.ts). */
export function openQueues(redis: RedisClient): Queues {
  const open = (name: QueueName) => {
    const queue = new Queue<Job>(name, {
      connection: redis,
      prefix: queuePrefix,
      skipWaitingForReady: true,
      defaultJobOptions: { removeOnComplete: { count: 1000 }, removeOnFail: { count: 1000 } },
    });
    return queue.on("error", () => {});
  };
  const queues = { clusters: open("clusters"), ends: open("ends"), messages: open("messages") };
  return {
    ...queues,
    close: async () => void (await Promise.all(Object.values(queues).map((queue) => queue.close()))),
  };
}

/** Puts a job into its queue. */
export async function wake(queues: QueuesToWake, job: Job): Promise<void> {
  await queues[kindOf(job.type).queue].add(job.type, job, optionsOf(job));
}

/** Puts a job into its queue for later. Earlier ones of its kind stay beside it. */
export async function wakeLater(queues: QueuesToWake, job: Job, waitMs: number): Promise<void> {
  await queues[kindOf(job.type).queue].add(job.type, job, { delay: waitMs });
}

/** Redis does nothing else during one call: few enough that an ack to Slack does not wait for them. */
const atOnce = 100;

/** Puts many jobs into their queues in the given order, ends first: one after another, each would wait for a busy process. */
export async function wakeAll(queues: QueuesToWake, jobs: readonly Job[]): Promise<void> {
  for (const name of ["ends", "clusters", "messages"] as const) {
    const own = jobs.filter((job) => kindOf(job.type).queue === name);
    const toAdd = own.map((job) => ({ name: job.type, data: job, opts: optionsOf(job) }));
    for (let from = 0; from < toAdd.length; from += atOnce)
      await queues[name].addBulk(toAdd.slice(from, from + atOnce));
  }
}

/** A job's policy, in BullMQ's words. */
function optionsOf(job: Job): JobsOptions {
  const { isSingle, waitMs, tries, retryMs } = kindOf(job.type);
  const { type, ...fields } = job;
  return {
    ...(isSingle ? { deduplication: { id: [type, ...Object.values(fields)].join("-"), keepLastIfActive: true } } : {}),
    ...(waitMs > 0 ? { delay: waitMs } : {}),
    ...(tries > 1 ? { attempts: tries, backoff: { type: "exponential", delay: retryMs } } : {}),
  };
}
