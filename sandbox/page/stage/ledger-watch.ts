import type { Job, Queue } from "bullmq";
import { type ChainedEvent, verifyChain } from "../../../src/access/audit/event.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { openQueues } from "../../../src/ledger/queues.ts";
import { connectRedis } from "../../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../../src/ledger/redis/ledger.ts";
import { textAt } from "../../slack/json.ts";
import type { LedgerState, QueueState } from "../cluster/ledger.ts";
import { oneAtATime } from "./kubectl-watch.ts";

/** Reads the audit log and the queues of the product, as an operator would: nothing is written. */
export interface LedgerWatch {
  state: () => LedgerState | null;
  /** Every event that the log has, oldest first. */
  events: () => readonly ChainedEvent[];
  look: () => Promise<void>;
  /** Deletes the newest event but one, as an intruder would who can write to Redis. */
  tamper: () => Promise<void>;
  close: () => Promise<void>;
}

/** Where src/ledger/redis/ledger.ts keeps the log. */
const eventsKey = "{eks-access}:events";
const eventsShown = 40;
const jobsShown = 5;
const jobStates = ["active", "waiting", "delayed", "failed", "completed"] as const;

export async function watchLedger(redisUrl: string, changed: () => void): Promise<LedgerWatch> {
  const { redis, close } = await connectRedis(redisUrl);
  const ledger = redisLedger(redis);
  const queues = openQueues(redis);
  let events: readonly ChainedEvent[] = [];
  let state: LedgerState | null = null;
  const read = async (): Promise<LedgerState> => {
    events = await allEvents(ledger);
    const states = await Promise.all([readQueue(queues.clusters), readQueue(queues.messages)]);
    return { verdict: verifyChain(events), events: events.slice(-eventsShown), queues: states };
  };
  const look = oneAtATime(async () => {
    const before = JSON.stringify(state);
    state = await read().catch(() => null);
    if (JSON.stringify(state) !== before) changed();
  });
  return {
    state: () => state,
    events: () => events,
    look,
    tamper: async () => {
      const victim = events.at(-2) ?? events.at(-1);
      if (victim) await redis.xdel(eventsKey, `${victim.sequence}-0`);
      await look();
    },
    close: async () => {
      await queues.close();
      await close();
    },
  };
}

/** All of them, each time: the page says whether the chain is whole now, not whether it was. */
async function allEvents(ledger: Ledger): Promise<readonly ChainedEvent[]> {
  const all: ChainedEvent[] = [];
  for (;;) {
    const page = await ledger.events((all.at(-1)?.sequence ?? 0) + 1, 1000);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

async function readQueue(queue: Queue): Promise<QueueState> {
  const [counts, found] = await Promise.all([
    queue.getJobCounts(...jobStates),
    queue.getJobs([...jobStates], 0, jobsShown - 1, false),
  ]);
  // One that is removed between the two questions comes as nothing.
  const jobs = found.filter((job: Job | undefined) => job !== undefined).toSorted((a, b) => b.timestamp - a.timestamp);
  return { name: queue.name, counts, jobs: await Promise.all(jobs.slice(0, jobsShown).map(shown)) };
}

async function shown(job: Job): Promise<QueueState["jobs"][number]> {
  return { id: job.id ?? "", name: job.name, what: whatOf(job.data), state: await job.getState() };
}

/** What a job says to look at: a cluster, a request or a migration. */
function whatOf(data: unknown): string {
  return textAt(data, "cluster") ?? textAt(data, "request") ?? textAt(data, "migration") ?? "";
}
