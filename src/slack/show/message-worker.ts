import { type Job, Worker } from "bullmq";
import { HandBack, type Stoppable } from "../../ledger/hand-back.ts";
import { type MessageJob, messageJob, queuePrefix } from "../../ledger/queues.ts";
import type { RedisClient } from "../../ledger/redis/client.ts";
import { waitOf } from "../../ledger/wait-of.ts";
import { type TraceContext, tracedRun } from "../../operations/tracing/request-traces.ts";
import { type HomeContext, publishHome } from "../home/publish-home.ts";
import { showMove } from "../migrate/show-move.ts";
import { showRequest } from "./messenger.ts";
import type { MessengerContext } from "./messenger-context.ts";
import { showThread } from "./show-thread.ts";

/**
 * Works on the queue `messages`. It lives in the slack process: the worker holds no Slack token (law 1). What can wait has a
 * client of its own in `background`.
 */
export function startMessageWorker(
  context: MessengerContext,
  background: MessengerContext & HomeContext,
  blocking: RedisClient,
): Stoppable {
  const handBack = new HandBack();
  const show = (job: MessageJob, waited: TraceContext["waited"]) => {
    if ("home" in job) return publishHome(background, job.home);
    if ("thread" in job) {
      return tracedRun({ ...background, waited }, "show thread", {}, [{ id: job.thread }], (running) =>
        showThread(running, job.thread),
      );
    }
    if ("move" in job) return showMove(context, job.move);
    return tracedRun({ ...context, waited }, "show", {}, [{ id: job.request }], (running) =>
      showRequest(running, job.request),
    );
  };
  const take = (job: Job<MessageJob>, token?: string) =>
    handBack.run(job, token, show(messageJob.parse(job.data), waitOf(job)));
  const worker = new Worker<MessageJob>("messages", take, {
    connection: blocking,
    prefix: queuePrefix,
    concurrency: 8,
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 100,
  });
  worker.on("error", (error) => context.log.warn({ err: error }, "the queue does not answer"));
  worker.on("failed", (job, error) =>
    context.log.warn({ job: job?.name, ...requestIn(job?.data), err: error }, "a message could not be shown yet"),
  );
  return { stop: (deadline) => handBack.close(worker, deadline) };
}

/** Which request a job is about, for the log; an App Home is about none. */
function requestIn(job: MessageJob | undefined): { readonly request?: string } {
  if (!job || "home" in job) return {};
  if ("move" in job) return { request: job.move };
  return { request: "thread" in job ? job.thread : job.request };
}
