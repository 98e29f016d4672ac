import { Worker } from "bullmq";
import type { RedisAccess } from "../../src/ledger/client.ts";
import { connectRedis, connectRedisBlocking } from "../../src/ledger/connect.ts";
import { openQueues, queuePrefix } from "../../src/ledger/queues.ts";
import { workerQuestions } from "../../src/ledger/worker-questions.ts";

/** Both processes' use of Redis: a question goes through the queue to a worker, and its answer returns. */
export interface AskedWorker {
  /** Resolves with the worker's answer: which cluster it looked at. */
  ask: (cluster: string) => Promise<unknown>;
  close: () => Promise<void>;
}

/** A worker that answers questions, and its asker, with connections of both kinds. */
export async function aWorkerToAsk(url: string, access: RedisAccess = {}): Promise<AskedWorker> {
  const { redis, close } = await connectRedis(url, access);
  const blocking = connectRedisBlocking(url, access);
  const queues = openQueues(redis);
  const questions = workerQuestions(queues);
  const options = { connection: blocking, prefix: queuePrefix };
  const worker = new Worker("clusters", async (job) => `looked at ${job.data.cluster}`, options);
  worker.on("error", () => {});
  return {
    ask: (cluster) => questions.ask({ type: "creator", cluster }, 10_000),
    close: async () => {
      await worker.close();
      await queues.close();
      blocking.disconnect();
      await close();
    },
  };
}

/** One question about the cluster staging, and the answer. */
export async function askAWorker(url: string, access: RedisAccess = {}): Promise<unknown> {
  const worker = await aWorkerToAsk(url, access);
  try {
    return await worker.ask("staging");
  } finally {
    await worker.close();
  }
}
