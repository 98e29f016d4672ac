import type { JobType, Queue } from "bullmq";
import { type SinkKind, sinkNames } from "../access/audit/sink.ts";
import { countStates } from "../access/request/lists.ts";
import type { Config } from "../config/config.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { Queues } from "../ledger/queues.ts";
import type { RedisClient } from "../ledger/redis/client.ts";
import type { Backlog, QueueState, SinkLag } from "../operations/process-metrics.ts";
import type { WorkerContext } from "../worker/context.ts";

interface Known extends Pick<WorkerContext, "ledger" | "now"> {
  readonly queues: Queues;
  readonly auditLog: AuditLog;
  readonly configuration: () => Pick<Config, "clusters" | "audit">;
}

/** The queues and the ledger now: a few short reads, whatever their size. */
export function backlogOf(known: Known, redis: RedisClient): Backlog {
  const { queues, ledger, configuration, now } = known;
  const { clusters, ends, messages } = queues;
  return {
    queues: () => Promise.all([clusters, ends, messages].map((queue) => standingOfQueue(queue, now))),
    tally: async () => countStates(await ledger.counts()),
    openUnconfigured: async () =>
      new Map([...(await ledger.openByCluster())].filter(([name]) => !configuration().clusters.has(name))),
    memoryUsed: async () => memoryUsedIn(await redis.info("memory")),
    auditLag: () => Promise.all([...sinkNames(configuration().audit)].map((sink) => lagOf(known, ...sink))),
  };
}

async function lagOf({ auditLog, now }: Known, kind: SinkKind, name: string): Promise<SinkLag> {
  const [{ count }, delivered] = await Promise.all([auditLog.head(), auditLog.delivered(name)]);
  const [oldest] = delivered < count ? await auditLog.events(delivered + 1, 1) : [];
  const seconds = oldest ? Math.max(0, (now().getTime() - Date.parse(oldest.event.at)) / 1000) : 0;
  return { sink: kind, events: Math.max(0, count - delivered), seconds };
}

/** From the text of `INFO`. Null: Redis has no limit. */
function memoryUsedIn(info: string): number | null {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  const most = field("maxmemory");
  return most > 0 ? field("used_memory") / most : null;
}

/** The states of an unfinished job; one that waits for another try is delayed. */
const states = ["waiting", "prioritized", "delayed", "active"] as const;

async function standingOfQueue(queue: Queue, now: () => Date): Promise<QueueState> {
  const [counts, madeAt] = await Promise.all([queue.getJobCounts(...states), oldestOf(queue)]);
  const jobs = Object.fromEntries(states.map((state) => [state, counts[state] ?? 0]));
  return { name: queue.name, jobs, ageSeconds: madeAt === null ? 0 : Math.max(0, (now().getTime() - madeAt) / 1000) };
}

/** When the oldest job that does not run was made, in milliseconds since the epoch; null: none. Ids count up. */
async function oldestOf(queue: Queue): Promise<number | null> {
  const idsOf = (state: JobType, end: number) => queue.getRanges([state], 0, end, true);
  const ids = (await Promise.all([idsOf("waiting", 0), idsOf("prioritized", -1), idsOf("delayed", -1)])).flat();
  const oldest = ids
    .map(Number)
    .filter(Number.isInteger)
    .reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
  // Another process may have taken it since.
  const job = Number.isFinite(oldest) ? await queue.getJob(String(oldest)) : undefined;
  return job?.timestamp ?? null;
}
