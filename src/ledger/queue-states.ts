import type { Job, JobType, Queue } from "bullmq";
import type { Zone } from "../access/policy/zone.ts";
import type { QueueState } from "../operations/process-metrics.ts";
import type { Queues } from "./queues.ts";

/** What waits in each queue of these zones, and since when. */
export function stateOfQueues(queues: Queues, zones: readonly Zone[], now: Date): Promise<readonly QueueState[]> {
  const ofZones = zones.flatMap((zone) => [queues.inZone("clusters", zone), queues.inZone("ends", zone)]);
  return Promise.all([...ofZones, queues.messages].map((queue) => stateOfQueue(queue, now)));
}

/** The states of an unfinished job; one that waits for another try is delayed. */
const states = ["waiting", "prioritized", "delayed", "active"] as const;

async function stateOfQueue(queue: Queue, now: Date): Promise<QueueState> {
  const [counts, madeAt] = await Promise.all([queue.getJobCounts(...states), oldestOf(queue, now)]);
  const jobs = Object.fromEntries(states.map((state) => [state, counts[state] ?? 0]));
  return { name: queue.name, jobs, ageSeconds: madeAt === null ? 0 : Math.max(0, (now.getTime() - madeAt) / 1000) };
}

/** A longer look would only slow the metrics: so many jobs that wait for their time are more than there ever are. */
const mostLookedAt = 100;

/**
 * When the oldest job that should run was made, in milliseconds since the epoch; null: none. Ids count up. A job that was made for a later
 * time counts from that time on.
 */
async function oldestOf(queue: Queue, now: Date): Promise<number | null> {
  const idsOf = (state: JobType, end: number) => queue.getRanges([state], 0, end, true);
  const ids = (await Promise.all([idsOf("waiting", 0), idsOf("prioritized", -1), idsOf("delayed", -1)])).flat();
  const inOrder = ids
    .map(Number)
    .filter(Number.isInteger)
    .toSorted((a, b) => a - b);
  for (const id of inOrder.slice(0, mostLookedAt)) {
    // Another process may have taken it since.
    const job = await queue.getJob(String(id));
    if (job && !isForLater(job, now)) return job.timestamp;
  }
  return null;
}

function isForLater({ attemptsStarted, timestamp, opts }: Job, now: Date): boolean {
  return attemptsStarted === 0 && timestamp + (opts.delay ?? 0) > now.getTime();
}
