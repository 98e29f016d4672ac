import { Worker } from "bullmq";
import { type MessageJob, messageJob, queuePrefix } from "../jobs/queues.ts";
import type { RedisClient } from "../redis/client.ts";
import { type HomeContext, publishHome } from "./home/publish-home.ts";
import { showRequest } from "./messenger.ts";
import type { MessengerContext } from "./messenger-context.ts";

/** Works on the queue `messages`. It lives in the slack process: the worker holds no Slack token (law 1). */
export function startMessageWorker(
  context: MessengerContext,
  homes: HomeContext,
  blocking: RedisClient,
): { stop: () => Promise<void> } {
  const show = (job: MessageJob) => ("home" in job ? publishHome(homes, job.home) : showRequest(context, job.request));
  const worker = new Worker<MessageJob>("messages", (job) => show(messageJob.parse(job.data)), {
    connection: blocking,
    prefix: queuePrefix,
    concurrency: 8,
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 100,
  });
  worker.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
  worker.on("failed", (job, error) =>
    context.log.warn({ job: job?.data, err: error }, "a message could not be shown yet"),
  );
  return { stop: () => worker.close() };
}
