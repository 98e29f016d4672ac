import { type Sink, sinkName } from "../access/audit-event.ts";
import { countStates } from "../access/lists.ts";
import { hasNoWorker, zoneInWords, zonesOf } from "../access/policy/cluster.ts";
import type { Config } from "../config/config.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { RedisClient } from "../ledger/client.ts";
import { leftOpen } from "../ledger/look-ups.ts";
import { type Queues, stateOfQueues } from "../ledger/queues.ts";
import type { Backlog, SinkLag } from "../operations/metrics.ts";
import type { WorkerContext } from "../worker/context.ts";

interface Known extends Pick<WorkerContext, "ledger" | "now"> {
  readonly queues: Queues;
  readonly auditLog: AuditLog;
  readonly configuration: () => Pick<Config, "clusters" | "audit">;
}

/** The state of the queues and the ledger: a few short reads, whatever their size. */
export function backlogOf(known: Known, redis: RedisClient): Backlog {
  const { queues, ledger, configuration, now } = known;
  const names = () => [...configuration().clusters.keys()];
  const zones = () => zonesOf(configuration().clusters.values());
  return {
    queues: () => stateOfQueues(queues, zones(), now()),
    zones: async () => {
      const seen = await ledger.zonesSeen();
      return new Map(zones().map((zone) => [zoneInWords(zone), !hasNoWorker(seen.get(zone), now())]));
    },
    tally: async () => countStates(await ledger.counts()),
    openUnconfigured: async () =>
      new Map(
        [...(await leftOpen(ledger, configuration().clusters))].map(([name, { requests, migration }]) => [
          name,
          requests + (migration ? 1 : 0),
        ]),
      ),
    overdue: async () => {
      const overdue = await ledger.overdue(new Date(now().getTime() - lateAfterMs), maxOverdue);
      return new Map(names().map((name) => [name, overdue.filter(({ cluster }) => cluster === name).length]));
    },
    closedFor: async () => {
      const closed = [...(await ledger.clusterTroubles(names()))].filter(([, { overAt }]) => overAt === null);
      const secondsFrom = (since: string) => Math.max(0, (now().getTime() - Date.parse(since)) / 1000);
      return new Map(closed.map(([name, { since }]) => [name, secondsFrom(since)]));
    },
    memoryUsed: async () => memoryUsedIn(await redis.info("memory")),
    mayEvict: async () => /^maxmemory_policy:(?!noeviction)/m.test(await redis.info("memory")),
    logFlaw: () => ledger.logFlaw(),
    auditLag: () => Promise.all(configuration().audit.sinks.map((sink) => lagOf(known, sink))),
  };
}

async function lagOf({ auditLog, now }: Known, sink: Sink): Promise<SinkLag> {
  const [{ count }, delivered] = await Promise.all([auditLog.head(), auditLog.delivered(sinkName(sink))]);
  const [oldest] = delivered < count ? await auditLog.events(delivered + 1, 1) : [];
  const seconds = oldest ? Math.max(0, (now().getTime() - Date.parse(oldest.event.at)) / 1000) : 0;
  return { sink: sink.kind, events: Math.max(0, count - delivered), seconds };
}

/** A lease that ends in time is gone within seconds. */
const lateAfterMs = 60_000;
const maxOverdue = 1_000;

/** From the text of `INFO`. Null: Redis has no limit. */
function memoryUsedIn(info: string): number | null {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  const most = field("maxmemory");
  return most > 0 ? field("used_memory") / most : null;
}
