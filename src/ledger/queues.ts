import { setTimeout as pause } from "node:timers/promises";
import {
  type Job as BullJob,
  DelayedError,
  type JobsOptions,
  type JobType,
  Queue,
  UnrecoverableError,
  WaitingError,
  Worker,
} from "bullmq";
import type { Logger } from "pino";
import type { Zone } from "../access/policy/cluster.ts";
import { FailureLog } from "../operations/log.ts";
import type { QueueState } from "../operations/metrics.ts";
import { aborted, type Stoppable } from "../operations/stoppable.ts";
import type { TraceContext } from "../operations/traced.ts";
import type { RedisClient } from "./client.ts";
import { type Job, kindOf, type QueueName } from "./jobs.ts";
import { wholeOf } from "./stored.ts";

/** BullMQ's keys carry the ledger's hash tag, so that both are in one slot of a Redis Cluster. */
export const queuePrefix = "{eks-access}";

type QueueToWake = Pick<Queue<Job>, "add" | "addBulk" | "getJobCounts">;

export interface QueuesToWake extends Readonly<Record<QueueName, QueueToWake>> {
  /** The queue of a job; absent: that of its kind, because there are no zones. */
  readonly of?: (job: Job) => QueueToWake;
}

export interface Queues extends Readonly<Record<QueueName, Queue<Job>>> {
  /** A queue of a zone. The clusters without one have the queues above. */
  readonly inZone: (name: QueueName, zone: Zone) => Queue<Job>;
  /** @param cluster its workers answer a question about no cluster */
  readonly of: (job: Job, cluster?: string) => Queue<Job>;
  readonly redis: RedisClient;
  close: () => Promise<void>;
}

function queueNameIn(name: QueueName, zone: Zone): string {
  return zone === null ? name : `${name}-${zone}`;
}

/** @param redis fails at once (src/ledger/connect.ts) @param zoneOfCluster by its name; null: of any cluster */
export function openQueues(redis: RedisClient, zoneOfCluster: (cluster: string | null) => Zone = () => null): Queues {
  const opened = new Map<string, Queue<Job>>();
  const inZone: Queues["inZone"] = (name, zone) => {
    const full = queueNameIn(name, zone);
    const known = opened.get(full) ?? openQueue(full, redis);
    opened.set(full, known);
    return known;
  };
  const of: Queues["of"] = (job, near) => {
    const { queue } = kindOf(job.type);
    if (queue === "messages") return inZone(queue, null);
    return inZone(queue, zoneOfCluster("cluster" in job ? job.cluster : (near ?? null)));
  };
  return {
    ...{ clusters: inZone("clusters", null), ends: inZone("ends", null), messages: inZone("messages", null) },
    ...{ inZone, of, redis },
    close: async () => void (await Promise.all([...opened.values()].map((queue) => queue.close()))),
  };
}

function openQueue(name: string, redis: RedisClient): Queue<Job> {
  const queue = new Queue<Job>(name, {
    connection: redis,
    prefix: queuePrefix,
    skipWaitingForReady: true,
    defaultJobOptions: { removeOnComplete: { count: 1000 }, removeOnFail: { count: 1000 } },
  });
  return queue.on("error", () => {});
}

function queueOf(queues: QueuesToWake, job: Job): QueueToWake {
  return queues.of?.(job) ?? queues[kindOf(job.type).queue];
}

export async function wake(queues: QueuesToWake, job: Job): Promise<void> {
  await queueOf(queues, job).add(job.type, job, optionsOf(job));
}

/** Puts a job into its queue for later, beside earlier ones of its kind. */
export async function wakeLater(queues: QueuesToWake, job: Job, waitMs: number): Promise<void> {
  await queueOf(queues, job).add(job.type, job, { delay: waitMs });
}

/** Redis does nothing else during one call: few enough that an ack to Slack is in time. */
const atOnce = 100;

/**
 * Puts many jobs into their queues in this order, ends first. One by one, each would wait for a busy process.
 * @param isNews false: what waits for its next try still waits for it
 */
export async function wakeAll(queues: QueuesToWake, jobs: readonly Job[], isNews = true): Promise<void> {
  for (const name of ["ends", "clusters", "messages"] as const) {
    const own = jobs.filter((job) => kindOf(job.type).queue === name);
    for (const queue of new Set(own.map((job) => queueOf(queues, job)))) {
      const ofZone = own.filter((job) => queueOf(queues, job) === queue);
      const toAdd = ofZone.map((job) => ({ name: job.type, data: job, opts: optionsOf(job, isNews) }));
      for (let from = 0; from < toAdd.length; from += atOnce) await queue.addBulk(toAdd.slice(from, from + atOnce));
    }
  }
}

/** Rejects if a queue of these clusters can't be read: then none of its jobs runs, although jobs can still be put in. */
export async function examineQueues(queues: QueuesToWake, clusters: Iterable<string>): Promise<void> {
  const own = new Set<QueueToWake>();
  for (const cluster of clusters)
    for (const type of ["end", "reconcile"] as const) own.add(queueOf(queues, { type, cluster }));
  await Promise.all([...own].map((queue) => queue.getJobCounts("waiting", "prioritized", "delayed", "active")));
}

function optionsOf(job: Job, isNews = true): JobsOptions {
  const { isSingle, isBackground, waitMs, tries, retryMs } = kindOf(job.type);
  const { type, ...fields } = job;
  const id = [type, ...Object.values(fields)].join("-");
  // News waits for no next try of what failed, nor for a job of someone with Redis. A job that waits first would wait again and again.
  const replace = isNews && waitMs === 0;
  return {
    ...(isSingle ? { deduplication: { id, keepLastIfActive: true, replace } } : {}),
    // Jobs without a priority are first.
    ...(isBackground ? { priority: 1 } : {}),
    ...(waitMs > 0 ? { delay: waitMs } : {}),
    ...(tries > 1 ? { attempts: tries, backoff: { type: "exponential", delay: retryMs } } : {}),
  };
}

/** What waits in each queue of these zones, and since when. */
export function stateOfQueues(queues: Queues, zones: readonly Zone[], now: Date): Promise<readonly QueueState[]> {
  const ofZones = zones.flatMap((zone) => [queues.inZone("clusters", zone), queues.inZone("ends", zone)]);
  return Promise.all([...ofZones, queues.messages].map((queue) => stateOfQueue(queues.redis, queue, now)));
}

/** The states of an unfinished job; one that waits for another try is delayed. */
const states = ["waiting", "prioritized", "delayed", "active"] as const;

async function stateOfQueue(redis: RedisClient, queue: Queue, now: Date): Promise<QueueState> {
  const [counts, madeAt] = await Promise.all([queue.getJobCounts(...states), oldestOf(redis, queue, now)]);
  const jobs = Object.fromEntries(states.map((state) => [state, counts[state] ?? 0]));
  return { name: queue.name, jobs, ageSeconds: madeAt === null ? 0 : Math.max(0, (now.getTime() - madeAt) / 1000) };
}

/** More than ever wait for their time: a longer look would slow the metrics. */
const maxLookedAt = 100;

/** When the oldest job that should run was made, or became due, in milliseconds since the epoch; null: none. Ids count up. */
async function oldestOf(redis: RedisClient, queue: Queue, now: Date): Promise<number | null> {
  const idsOf = (state: JobType, end: number) => queue.getRanges([state], 0, end, true);
  const ids = (
    await Promise.all([idsOf("waiting", maxLookedAt - 1), idsOf("prioritized", -1), idsOf("delayed", -1)])
  ).flat();
  const inOrder = ids
    .map(Number)
    .filter(Number.isInteger)
    .toSorted((a, b) => a - b);
  for (const id of inOrder.slice(0, maxLookedAt)) {
    // Another process can have taken it since. The whole job of someone with Redis could be no JSON, or fill the memory.
    const facts = await wholeOf(redis, "HMGET", queue.toKey(String(id)), "timestamp", "delay", "ats");
    const [madeAt = 0, delay = 0, starts = 0] = facts.map(Number);
    if (madeAt > 0 && (starts > 0 || madeAt + delay <= now.getTime())) return madeAt;
  }
  return null;
}

/** Its name for a log line: an attacker with Redis can give it any length, and also leave it out. */
type FailedJob = { readonly name: string | undefined; readonly data: unknown };

const nameInLog = ({ name }: { readonly name?: string }) => name?.slice(0, 64);

export interface QueueWork<T> {
  readonly queue: QueueName;
  /** Absent: the queue of no zone. */
  readonly zone?: Zone;
  /** Null: this version does not know the job. */
  readonly read: (data: unknown) => T | null;
  readonly run: (job: T, running: BullJob) => Promise<unknown>;
  readonly failed: (job: FailedJob | undefined, error: Error) => void;
  /** How long a job waits that failed with this error at its nth start, without losing a try; null or absent: it failed. */
  readonly waitMs?: (job: T, error: unknown, starts: number) => number | null;
  /** A failure after which this process leaves jobs to others, which may not have it, until it is over. */
  readonly outage?: { readonly isOne: (error: unknown) => boolean; readonly isOver: () => Promise<boolean> };
  readonly log: Logger;
  readonly concurrency: number;
  /** Another process takes the jobs of a dead one after this time. */
  readonly lockMs: number;
}

/** A process that dies again and again leaves its jobs to others. */
const maxStalledCount = 100;

/** Works on a queue until it stops. `blocking` must wait without a limit (src/ledger/connect.ts). */
export function workOnJobs<T>(work: QueueWork<T>, blocking: RedisClient): Stoppable {
  const handBack = new HandBack();
  const take = async (running: BullJob, token?: string) => {
    const job = work.read(running.data);
    if (job === null) return giveBack(work.log, running, token);
    // A wait that began before the pause takes one more.
    if (worker.isPaused()) return comeBack(running, token, outageMs.giveBack);
    return handBack.run(running, token, work.run(job, running)).catch((error: unknown) => {
      if (work.outage?.isOne(error)) void standAside(worker, work.outage.isOver);
      const waitMs = work.waitMs?.(job, error, startsOf(running)) ?? null;
      if (waitMs === null) throw error;
      return comeBack(running, token, waitMs);
    });
  };
  const { concurrency, lockMs } = work;
  const locks = { lockDuration: lockMs, stalledInterval: Math.ceil(lockMs * 0.4), maxStalledCount };
  const options = { connection: blocking, prefix: queuePrefix, concurrency, ...locks };
  const worker = new Worker(queueNameIn(work.queue, work.zone ?? null), take, options);
  const failures = new FailureLog(work.log);
  worker.on("error", (error) => failures.failed("the queue does not answer", { queue: worker.name }, error));
  worker.on("active", () => failures.over("the queue does not answer", { queue: worker.name }));
  worker.on("failed", (job, error) => work.failed(job && { name: nameInLog(job), data: job.data }, error));
  return { stop: (deadline) => handBack.close(worker, deadline) };
}

const outageMs = { giveBack: 100, look: 1_000 };

/** Takes no jobs until the outage is over, and keeps no one else from them. */
async function standAside(worker: Worker, isOver: () => Promise<boolean>): Promise<void> {
  if (worker.isPaused() || worker.closing) return;
  await worker.pause(true);
  // Its last wait can have taken the mark in Redis by which another process, or this one later, learns of a job.
  const markAgain = () => worker.backend.pause(false).catch(() => {});
  while (!worker.closing && !(await isOver())) {
    await markAgain();
    await pause(outageMs.look);
  }
  if (worker.closing) return;
  await worker.resume();
  await markAgain();
}

const shortestReturnMs = 1_000;
const longestReturnMs = 60_000;
/** Some twenty minutes: longer than an update takes. Then the sweep wakes the remaining work. */
const maxReturns = 25;

/** While two versions run, the older one gives unknown jobs back, for the newer one. */
async function giveBack(log: Logger, job: BullJob, token: string | undefined): Promise<never> {
  const about = { job: nameInLog(job) };
  if (job.attemptsStarted > maxReturns) {
    throw new UnrecoverableError("Unknown job: update all processes to one version");
  }
  if (job.attemptsStarted === 1) log.warn(about, "this version does not know a job; it waits for a process that does");
  return comeBack(job, token, Math.min(shortestReturnMs * 2 ** (startsOf(job) - 1), longestReturnMs));
}

/** Someone with Redis can write a number below zero: such a job would come back without a wait, without end. */
const startsOf = ({ attemptsStarted }: BullJob) => Math.max(1, attemptsStarted);

async function comeBack(job: BullJob, token: string | undefined, waitMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + waitMs, token);
  throw new DelayedError();
}

/** The time of a job in its queue, with a deliberate delay, for the trace of its run. */
export function timeInQueue({ queueName, timestamp, processedOn }: BullJob): NonNullable<TraceContext["waited"]> {
  return { queue: queueName, from: timestamp, until: processedOn ?? timestamp };
}

/** The unfinished jobs of a process. Each goes back to the head of its queue, where another process takes it before its lock expires. */
export class HandBack {
  /** Releases each running job. */
  readonly #underWay = new Set<() => void>();
  readonly #handedBack: string[] = [];

  /** Does a job's work unless the job is handed back first. The work can still run then, so a job can run twice. */
  async run<T>(job: BullJob, token: string | undefined, work: Promise<T>): Promise<T> {
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
    const { type, ...fields } = job.data ?? {};
    this.#handedBack.push(`${job.name} ${Object.values(fields)[0] ?? ""}`.trim());
    throw new WaitingError();
  }

  /** Closes a worker, and hands back its running jobs at the deadline. Resolves with those, each as `reconcile staging`. */
  async close(worker: { close: () => Promise<void> }, deadline: AbortSignal): Promise<readonly string[]> {
    const closed = worker.close();
    if ((await Promise.race([closed, aborted(deadline)])) === "aborted") for (const letGo of this.#underWay) letGo();
    await closed;
    return this.#handedBack;
  }
}

/** Whether an earlier start did not end: its process died, or handed the job back. */
export function wasStartedBefore({ attemptsStarted, attemptsMade }: BullJob): boolean {
  return attemptsStarted > attemptsMade + 1;
}
