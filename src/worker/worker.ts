import type { Attributes } from "@opentelemetry/api";
import type { Job as BullJob } from "bullmq";
import { type QueueName, readJob, runJob, type WorkerJob, workerJobs } from "../ledger/jobs.ts";
import type { RedisClient } from "../ledger/redis/client.ts";
import { type Stoppable, timeInQueue, unfinishedAt, wasStartedBefore, workOnJobs } from "../ledger/work-on-jobs.ts";
import { withinDeadline } from "../operations/deadlines.ts";
import { tracedAnswer } from "../operations/request-traces.ts";
import { startTicking } from "../operations/ticking.ts";
import type { WorkerContext } from "./context.ts";
import { workerRuns } from "./jobs.ts";
import { removalsEveryMs, removeClosedByTheClock } from "./remove-closed.ts";
import { sweep } from "./sweep.ts";

/**
 * Works on the queues of clusters, and sweeps. `blocking` must wait without a limit (src/ledger/redis/connect.ts).
 * @param context each run keeps the configuration with which it began
 */
export function startWorker(context: () => WorkerContext, blocking: RedisClient): Stoppable {
  const queues = (["clusters", "ends"] as const).map((name) => workOn(name, context, blocking));
  const { sweepEverySeconds } = context().config.timing;
  const sweeper = startTicking(sweepEverySeconds * 1000, (everyMs) => turn(context(), everyMs));
  // Beside the sweep: no end waits because many records are removed.
  const remover = startTicking(removalsEveryMs, () => removal(context()));
  return {
    stop: async (deadline) => {
      const sweeping = unfinishedAt(sweeper.stop(), "the sweep", deadline);
      const removing = unfinishedAt(remover.stop(), "removing closed records", deadline);
      const left = await Promise.all([...queues.map(({ stop }) => stop(deadline)), sweeping, removing]);
      return left.flat();
    },
  };
}

/** Jobs of each queue at once: ends have their own. */
const concurrency = 16;

function workOn(queue: QueueName, context: () => WorkerContext, blocking: RedisClient): Stoppable {
  const { log, config } = context();
  const failed = (job: BullJob | undefined, error: Error) => log.error({ job: job?.name, err: error }, "a job failed");
  const read = (data: unknown) => readJob(workerJobs, data);
  const run = (job: WorkerJob, running: BullJob) => runInTime(context(), job, running);
  const lockMs = config.timing.deadlines.jobLock;
  return workOnJobs({ queue, read, run, failed, log, concurrency, lockMs }, blocking);
}

function runInTime(worker: WorkerContext, job: WorkerJob, running: BullJob): Promise<unknown> {
  // A log line without a request, as of a periodic look, names the worker's job.
  const log = worker.log.child({ job: job.type });
  const context = { ...worker, log, waited: timeInQueue(running), isBegunBefore: wasStartedBefore(running) };
  const { deadline, isQuestion } = workerJobs[job.type];
  return withinDeadline(deadline, context.config.timing.deadlines, () => {
    if (!isQuestion) return runJob(workerRuns, job.type, job, context);
    const about: Attributes = "cluster" in job ? { "eks_access.cluster": job.cluster } : {};
    const askedIn = running.opts.telemetry?.metadata;
    return tracedAnswer(context, job.type, about, askedIn, () => runJob(workerRuns, job.type, job, context));
  });
}

async function turn(context: WorkerContext, everyMs: number): Promise<void> {
  try {
    // Shorter than the interval: the workers' timers are never quite in step.
    if (await context.ledger.takeTurn("sweep", everyMs * 0.9)) await sweep(context);
    context.failures.over("a sweep failed", {});
  } catch (error) {
    context.failures.failed("a sweep failed", {}, error);
  }
}

async function removal(context: WorkerContext): Promise<void> {
  try {
    await removeClosedByTheClock(context);
    context.failures.over("closed records could not be removed", {});
  } catch (error) {
    context.failures.failed("closed records could not be removed", {}, error);
  }
}
