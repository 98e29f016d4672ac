import { Queue } from "bullmq";
import { z } from "zod";
import type { RedisClient } from "./redis/client.ts";

/** BullMQ's keys carry the ledger's hash tag, so that both live in one slot of a Redis Cluster. */
export const queuePrefix = "{eks-access}";

/** What to look at, never what to do: a job can run twice, late or after a crash, and the end is the same. */
export const clusterJob = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("preview"), cluster: z.string() }),
  z.strictObject({ type: z.literal("reconcile"), cluster: z.string() }),
  /** Ends alone: they don't wait for what a beginning needs. */
  z.strictObject({ type: z.literal("end"), cluster: z.string() }),
  z.strictObject({ type: z.literal("inspect"), cluster: z.string() }),
  z.strictObject({ type: z.literal("adopt"), cluster: z.string() }),
  z.strictObject({ type: z.literal("sign-in"), cluster: z.string() }),
  /** The move of the cluster from aws-auth to access entries. */
  z.strictObject({ type: z.literal("move"), cluster: z.string() }),
  z.strictObject({ type: z.literal("alive") }),
  z.strictObject({ type: z.literal("identity") }),
  z.strictObject({ type: z.literal("creator"), cluster: z.string() }),
  z.strictObject({ type: z.literal("whoami"), cluster: z.string(), user: z.string(), answers: z.boolean() }),
  z.strictObject({ type: z.literal("check"), cluster: z.string(), user: z.string(), answers: z.boolean() }),
  z.strictObject({
    type: z.literal("migrate"),
    cluster: z.string(),
    user: z.string(),
    /** ARNs of roles with their paths. */
    told: z.array(z.string().max(2048)).max(50),
  }),
  z.strictObject({
    type: z.literal("why"),
    cluster: z.string(),
    user: z.string(),
    answers: z.boolean(),
    principal: z.string().max(2048),
  }),
]);
export type ClusterJob = z.infer<typeof clusterJob>;
/** What only a worker can answer: the slack process has no AWS rights. */
export type WorkerQuestion = Extract<
  ClusterJob,
  { type: "alive" | "identity" | "creator" | "whoami" | "check" | "migrate" | "why" }
>;
/** One that is about a cluster. */
export type ClusterQuestion = Exclude<WorkerQuestion, { type: "alive" | "identity" }>;
/** For what a cluster can be looked at. */
export type ClusterLook = Exclude<ClusterJob["type"], WorkerQuestion["type"]>;

export const messageJob = z.union([
  z.strictObject({ request: z.string() }),
  z.strictObject({ move: z.string() }),
  /** The thread of a request. */
  z.strictObject({ thread: z.string() }),
  /** Whose App Home. */
  z.strictObject({ home: z.string() }),
]);
export type MessageJob = z.infer<typeof messageJob>;

export interface Queues {
  /** Worker: look at a cluster. */
  readonly clusters: Queue<ClusterJob>;
  /** Worker: end what is over in a cluster. A queue of its own, which nothing that hangs elsewhere can fill. */
  readonly ends: Queue<ClusterJob>;
  /** Slack process: make a request's message, its thread, or somebody's App Home, show the ledger. */
  readonly messages: Queue<MessageJob>;
  close: () => Promise<void>;
}

/** Queues to put jobs into. `redis` must be one that fails at once (src/ledger/redis/connect.ts). */
export function openQueues(redis: RedisClient): Queues {
  const options = { connection: redis, prefix: queuePrefix, skipWaitingForReady: true };
  const defaultJobOptions = { removeOnComplete: { count: 1000 }, removeOnFail: { count: 1000 } };
  const clusters = new Queue<ClusterJob>("clusters", { ...options, defaultJobOptions });
  const messages = new Queue<MessageJob>("messages", { ...options, defaultJobOptions });
  const ends = new Queue<ClusterJob>("ends", { ...options, defaultJobOptions });
  const all = [clusters, ends, messages];
  for (const queue of all) queue.on("error", () => {});
  return { clusters, ends, messages, close: async () => void (await Promise.all(all.map((queue) => queue.close()))) };
}

/** What is to be looked at in a cluster. */
export interface ClusterWake {
  readonly type: ClusterLook;
  readonly cluster: string;
}

/** Wakes the worker for a cluster. One job a cluster and type runs at a time; a wake-up meanwhile runs after it. */
export async function wakeCluster(queues: Queues, type: ClusterLook, cluster: string): Promise<void> {
  const { name, data, opts } = clusterWake({ type, cluster });
  await (type === "end" ? queues.ends : queues.clusters).add(name, data, opts);
}

/** Wakes the worker for many clusters, in the order given. */
export async function wakeClusters(queues: Queues, wakes: readonly ClusterWake[]): Promise<void> {
  const isEnd = ({ type }: ClusterWake) => type === "end";
  await addAll(queues.ends, wakes.filter(isEnd).map(clusterWake));
  await addAll(queues.clusters, wakes.filter((wake) => !isEnd(wake)).map(clusterWake));
}

function clusterWake({ type, cluster }: ClusterWake) {
  const deduplication = { id: `${type}-${cluster}`, keepLastIfActive: true };
  return { name: type, data: { type, cluster }, opts: { deduplication } };
}

/** Wakes the messenger for a request. */
export async function wakeMessage(queues: Queues, request: string): Promise<void> {
  const { name, data, opts } = messageWake(request);
  await queues.messages.add(name, data, opts);
}

/** Wakes the messenger for the move of a cluster. */
export async function wakeMoveMessage(queues: Queues, move: string): Promise<void> {
  const { name, opts } = messageWake(move);
  await queues.messages.add(name, { move }, opts);
}

/** Wakes the messenger for many requests. */
export function wakeMessages(queues: Queues, requests: readonly string[]): Promise<void> {
  return addAll(queues.messages, requests.map(messageWake));
}

function messageWake(request: string) {
  const deduplication = { id: request, keepLastIfActive: true };
  const opts = { deduplication, attempts: 10, backoff: { type: "exponential", delay: 500 } };
  return { name: "show", data: { request }, opts };
}

/** Redis does nothing else during one call: few enough that an ack to Slack does not wait for them. */
const atOnce = 100;

/** One call for many jobs: one after another each would wait for a process that is busy. */
async function addAll<T>(queue: Queue<T>, jobs: Parameters<Queue<T>["addBulk"]>[0]): Promise<void> {
  for (let from = 0; from < jobs.length; from += atOnce) await queue.addBulk(jobs.slice(from, from + atOnce));
}

/** Changes that come together are one reply: Slack takes about one message a second in a channel. */
const threadDelayMs = 1_000;

/** Wakes the messenger for the thread of a request. */
export async function wakeThread(queues: Queues, request: string): Promise<void> {
  await queues.messages.add(
    "thread",
    { thread: request },
    {
      deduplication: { id: `thread-${request}`, keepLastIfActive: true },
      delay: threadDelayMs,
      attempts: 10,
      backoff: { type: "exponential", delay: 1_000 },
    },
  );
}

/** Many changes that come together are one update of an App Home: Slack takes 100 in a minute, of all people. */
const homeDelayMs = 1_500;

/** Wakes the messenger for somebody's App Home. */
export async function wakeHome(queues: Queues, user: string): Promise<void> {
  await queues.messages.add(
    "home",
    { home: user },
    {
      deduplication: { id: `home-${user}`, keepLastIfActive: true },
      delay: homeDelayMs,
      attempts: 6,
      backoff: { type: "exponential", delay: 2_000 },
    },
  );
}
