import type { Queue } from "bullmq";
import type { WorkerContext } from "../jobs/context.ts";
import type { QueueStanding, Standing } from "../metrics/standing-metrics.ts";

/** How the queues and the ledger stand now. */
export function standingOf({ queues, ledger, config, now }: WorkerContext): Standing {
  const { clusters, messages } = queues;
  const clusterNames = [...config.clusters.keys()];
  const totalOf = async (list: "pending" | "granted") =>
    (await ledger.list({ list, clusters: clusterNames, requester: null, match: "any" }, 0, 1)).total;
  return {
    queues: () => Promise.all([standingOfQueue(clusters, now), standingOfQueue(messages, now)]),
    requests: async () => {
      const [pending, granted] = await Promise.all([totalOf("pending"), totalOf("granted")]);
      return { pending, granted };
    },
  };
}

async function standingOfQueue(queue: Queue, now: () => Date): Promise<QueueStanding> {
  const [counts, [oldest]] = await Promise.all([
    queue.getJobCounts("waiting", "active", "prioritized"),
    queue.getWaiting(0, 0),
  ]);
  const jobs = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { name: queue.name, jobs, ageSeconds: oldest ? Math.max(0, (now().getTime() - oldest.timestamp) / 1000) : 0 };
}
