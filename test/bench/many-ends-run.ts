import { setTimeout as wait } from "node:timers/promises";
import { type Bench, startBench } from "./bench.ts";
import { percentile } from "./figure.ts";
import { inParallel } from "./in-parallel.ts";
import { type ProcessUse, useOf } from "./process-use.ts";
import { type SeededLease, seedLeases } from "./seed-leases.ts";

export interface EndsSize {
  readonly clusters: number;
  /** In each cluster. */
  readonly leases: number;
  readonly workers: number;
}

/** The leases end somewhere in a minute, each at a moment of its own. */
const spreadMs = 60_000;
const longestMs = 300_000;

/** What one run came to. */
export interface Outcome {
  /** Of each lease, from its end until its entry was gone. */
  readonly lagP50: number;
  readonly lagP99: number;
  /** From the first end until the last entry was gone. */
  readonly seconds: number;
  readonly puts: number;
  readonly redisCommands: number;
  /** The largest that any worker was. */
  readonly workerPeakMb: number;
  /** Of all the workers together, and of this process, which holds the clusters. */
  readonly workerCpuSeconds: number;
  readonly sandboxCpuSeconds: number;
  readonly redisCpuSeconds: number;
}

/** So many clusters with so many leases each, which all end in the same minute, and so many workers. */
export async function runEnds(size: EndsSize): Promise<Outcome> {
  const names = Array.from({ length: size.clusters }, (_, index) => `c${String(index).padStart(4, "0")}`);
  const bench = await startBench(names, { inspectEverySeconds: 3600 });
  try {
    // So that no worker's first look at every cluster falls into the minute: a slow machine would still be at it.
    for (const look of ["inspect", "memories"]) await bench.ledger.takeTurn(look, 12 * 3_600_000);
    const firstEnd = Date.now() + 10_000 + size.clusters * size.leases * 2 + size.workers * 3_000;
    const leases = await seedAll(bench, size, firstEnd);
    const watch = watchEnds(bench, leases);
    const children = await Promise.all(Array.from({ length: size.workers }, () => bench.startWorker()));
    if (Date.now() > firstEnd) throw new Error("the leases began to end before everything was ready");
    await wait(firstEnd - Date.now());
    const before = await usedSoFar(bench, children);
    await watch.untilAllGone(firstEnd + longestMs);
    const after = await usedSoFar(bench, children);
    return outcomeOf(watch.lags(), { firstEnd, lastGone: watch.lastGone(), before, after });
  } finally {
    await bench.stop();
  }
}

async function seedAll(
  bench: Bench,
  size: EndsSize,
  firstEnd: number,
): Promise<ReadonlyMap<string, readonly SeededLease[]>> {
  const leases = new Map<string, readonly SeededLease[]>();
  await inParallel([...bench.config.clusters.values()], 16, async (cluster) => {
    const ends = Array.from({ length: size.leases }, () => Math.floor(firstEnd + Math.random() * spreadMs));
    leases.set(cluster.name, await seedLeases(bench, cluster, ends));
  });
  return leases;
}

interface EndWatch {
  readonly untilAllGone: (deadline: number) => Promise<void>;
  /** Milliseconds, one for each lease. */
  readonly lags: () => readonly number[];
  readonly lastGone: () => number;
}

function watchEnds(bench: Bench, leases: ReadonlyMap<string, readonly SeededLease[]>): EndWatch {
  const lags: number[] = [];
  let lastGone = 0;
  let left = 0;
  for (const [name, ofCluster] of leases) {
    const present = new Set(ofCluster);
    left += present.size;
    bench.clusters.get(name)?.onChange((configMap) => {
      const users = configMap?.data?.mapUsers ?? "";
      for (const lease of present) {
        if (users.includes(lease.principal)) continue;
        present.delete(lease);
        lastGone = Date.now();
        lags.push(lastGone - lease.endsAt);
        left -= 1;
      }
    });
  }
  return {
    untilAllGone: async (deadline) => {
      while (left > 0) {
        if (Date.now() > deadline) throw new Error(`${left} entries are still there`);
        await wait(100);
      }
    },
    lags: () => lags,
    lastGone: () => lastGone,
  };
}

interface Used {
  readonly workers: readonly ProcessUse[];
  readonly sandboxCpuSeconds: number;
  readonly redisCpuSeconds: number;
  readonly redisCommands: number;
  readonly puts: number;
}

async function usedSoFar(bench: Bench, children: readonly { readonly pid: number }[]): Promise<Used> {
  const [stats, cpu] = await Promise.all([bench.redis.info("stats"), bench.redis.info("cpu")]);
  const seconds = (kind: string) => Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, "m").exec(cpu)?.[1]);
  return {
    workers: await Promise.all(children.map(({ pid }) => useOf(pid))),
    sandboxCpuSeconds: (await useOf(process.pid)).cpuSeconds,
    redisCpuSeconds: seconds("user") + seconds("sys"),
    redisCommands: Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]),
    puts: bench.calls("kubernetes.replace-configmap"),
  };
}

function outcomeOf(
  lags: readonly number[],
  { firstEnd, lastGone, before, after }: { firstEnd: number; lastGone: number; before: Used; after: Used },
): Outcome {
  const cpuOf = ({ workers }: Used) => workers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    lagP50: percentile(lags, 0.5) / 1000,
    lagP99: percentile(lags, 0.99) / 1000,
    seconds: (lastGone - firstEnd) / 1000,
    puts: after.puts - before.puts,
    redisCommands: after.redisCommands - before.redisCommands,
    workerPeakMb: Math.max(...after.workers.map(({ peakMb }) => peakMb)),
    workerCpuSeconds: cpuOf(after) - cpuOf(before),
    sandboxCpuSeconds: after.sandboxCpuSeconds - before.sandboxCpuSeconds,
    redisCpuSeconds: after.redisCpuSeconds - before.redisCpuSeconds,
  };
}
