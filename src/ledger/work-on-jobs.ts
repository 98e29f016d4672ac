import { type Job as BullJob, DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from "bullmq";
import type { Logger } from "pino";
import type { Zone } from "../access/policy/cluster.ts";
import type { TraceContext } from "../operations/traced.ts";
import type { QueueName } from "./jobs.ts";
import { queueNameIn, queuePrefix } from "./queues.ts";
import type { RedisClient } from "./redis/client.ts";

export interface QueueWork<Job> {
  readonly queue: QueueName;
  /** Absent: the queue of no zone. */
  readonly zone?: Zone;
  /** Null: this version does not know the job. */
  readonly read: (data: unknown) => Job | null;
  readonly run: (job: Job, running: BullJob) => Promise<unknown>;
  readonly failed: (job: BullJob | undefined, error: Error) => void;
  readonly log: Logger;
  /** So many jobs at once. */
  readonly concurrency: number;
  /** Another process takes the jobs of a dead one after this time. */
  readonly lockMs: number;
}

/** A process that dies again and again leaves its jobs to others. */
const maxStalledCount = 100;

/** Works on a queue until it stops. `blocking` must wait without a limit (src/ledger/redis/connect.ts). */
export function workOnJobs<Job>(work: QueueWork<Job>, blocking: RedisClient): Stoppable {
  const handBack = new HandBack();
  const take = async (running: BullJob, token?: string) => {
    const job = work.read(running.data);
    if (job === null) return giveBack(work.log, running, token);
    return handBack.run(running, token, work.run(job, running));
  };
  const { concurrency, lockMs } = work;
  const locks = { lockDuration: lockMs, stalledInterval: Math.ceil(lockMs * 0.4), maxStalledCount };
  const options = { connection: blocking, prefix: queuePrefix, concurrency, ...locks };
  const worker = new Worker(queueNameIn(work.queue, work.zone ?? null), take, options);
  worker.on("error", (error) => work.log.warn({ err: error }, "the queue does not answer"));
  worker.on("failed", (job, error) => work.failed(job, error));
  return { stop: (deadline) => handBack.close(worker, deadline) };
}

const shortestMs = 1_000;
const maxMs = 60_000;
/** Some twenty minutes: longer than an update takes. Then the sweep wakes the remaining work. */
const maxReturns = 25;

/** While two versions run, the older one gives unknown jobs back, for the newer one. */
async function giveBack(log: Logger, job: BullJob, token: string | undefined): Promise<never> {
  const about = { job: job.name.slice(0, 64) };
  if (job.attemptsStarted > maxReturns) {
    throw new UnrecoverableError("No process of this version knows the job: update all processes to one version");
  }
  if (job.attemptsStarted === 1) log.warn(about, "this version does not know a job; it waits for a process that does");
  await job.moveToDelayed(Date.now() + Math.min(shortestMs * 2 ** (job.attemptsStarted - 1), maxMs), token);
  throw new DelayedError();
}

/** The time of a job in its queue, with a deliberate delay, for the trace of its run. */
export function timeInQueue({ queueName, timestamp, processedOn }: BullJob): NonNullable<TraceContext["waited"]> {
  return { queue: queueName, from: timestamp, until: processedOn ?? timestamp };
}

/** Work that another part can end. */
export interface Stoppable {
  /**
   * Takes no more work and waits for the running. At `deadline` it hands back or leaves the rest. Resolves with that rest, in
   * words for the log.
   */
  stop: (deadline: AbortSignal) => Promise<readonly string[]>;
}

/** The unfinished jobs of a process. Each goes back to the head of its queue, where another process takes it before its lock expires. */
export class HandBack {
  /** Releases each running job. */
  readonly #underWay = new Set<() => void>();
  readonly #handedBack: string[] = [];

  /** Does a job's work unless the job is handed back first. The work can still run then, so a job can run twice. */
  async run<T>(job: Job, token: string | undefined, work: Promise<T>): Promise<T> {
    let letGo = () => {};
    const due = new Promise<"due">((resolve) => {
      letGo = () => resolve("due");
    });
    this.#underWay.add(letGo);
    const outcome = await Promise.race([work.then((value) => ({ value })), due]).finally(() =>
      this.#underWay.delete(letGo),
    );
    if (outcome !== "due") return outcome.value;
    work.catch(() => {});
    await job.moveToWait(token);
    this.#handedBack.push(nameOf(job));
    throw new WaitingError();
  }

  /** Closes a worker, and hands back its running jobs at the deadline. Resolves with the names of those jobs. */
  async close(worker: { close: () => Promise<void> }, deadline: AbortSignal): Promise<readonly string[]> {
    const closed = worker.close();
    if ((await Promise.race([closed, aborted(deadline)])) === "aborted") for (const letGo of this.#underWay) letGo();
    await closed;
    return this.#handedBack;
  }
}

/** Whether an earlier start did not end: its process died, or handed the job back. */
export function wasStartedBefore({ attemptsStarted, attemptsMade }: Job): boolean {
  return attemptsStarted > attemptsMade + 1;
}

/** Waits for the running work, until the deadline. */
export async function unfinishedAt(
  work: Promise<unknown>,
  name: string,
  deadline: AbortSignal,
): Promise<readonly string[]> {
  return (await Promise.race([work, aborted(deadline)])) === "aborted" ? [name] : [];
}

/** A part of a process that repeats something. @param name of its last round, in words for the log */
export function stoppable({ stop }: { readonly stop: () => Promise<unknown> }, name: string): Stoppable {
  return { stop: (deadline) => unfinishedAt(stop(), name, deadline) };
}

/** `reconcile staging`, `show r-7k2m9x4q` */
function nameOf({ name, data }: Job): string {
  const [subject = ""] = Object.entries(data ?? {}).flatMap(([key, value]) => (key === "type" ? [] : [String(value)]));
  return `${name} ${subject}`.trim();
}

function aborted(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
