import { Worker } from "bullmq";
import { type MessageJob, messageJob, queuePrefix } from "../jobs/queues.ts";
import type { RedisClient } from "../redis/client.ts";
import { showRequest } from "./messenger.ts";
import type { MessengerContext } from "./messenger-context.ts";

/** Works on the queue `messages`. It lives in the slack process: the worker holds no Slack token (law 1). */
export function startMessageWorker(context: MessengerContext, blocking: RedisClient): { stop: () => Promise<void> } {
  const worker = new Worker<MessageJob>("messages", (job) => showRequest(context, messageJob.parse(job.data).request), {
    connection: blocking,
    prefix: queuePrefix,
    concurrency: 8,
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 100,
  });
  worker.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
  worker.on("failed", (job, error) =>
    context.log.warn({ request: job?.data.request, err: error }, "a message could not be shown yet"),
  );
  return { stop: () => worker.close() };
}
