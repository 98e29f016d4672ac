import { cpus } from "node:os";
import { atMost, type Figure, type Scale } from "./figure.ts";
import { type EndsSize, type Outcome, runEnds } from "./many-ends-run.ts";

/** The first of them is the reference for the growth with the number of clusters. */
const sizes: Readonly<Record<Scale, readonly EndsSize[]>> = {
  small: [
    { clusters: 5, leases: 10, workers: 1 },
    { clusters: 20, leases: 10, workers: 2 },
  ],
  full: casesOf(1_000),
};

/** The last one ends so few at once that one worker on two processors keeps up. */
function casesOf(clusters: number): readonly EndsSize[] {
  const of = (part: number, workers: number) => ({ clusters: clusters / part, leases: 10, workers });
  return [of(10, 1), of(1, 1), of(1, 2), of(1, 4), { clusters, leases: 2, workers: 1 }];
}

/**
 * Many clusters whose leases all end in the same minute, with more and more workers. Each cluster is an API server of
 * its own, with its own port, certificate authority and document; all of them live in this process. No slack process
 * runs: it would have to wait for Slack's limits, and the minute is about the clusters.
 */
export async function measureManyEnds(scale: Scale): Promise<readonly Figure[]> {
  const [firstSize, ...otherSizes] = sizes[scale];
  if (!firstSize) return [];
  const first = await runEnds(firstSize);
  const figures = [...figuresOf(firstSize, first)];
  for (const size of otherSizes)
    figures.push(...figuresOf(size, await runEnds(size), { size: firstSize, outcome: first }));
  return figures;
}

function busySeconds({ workerCpuSeconds, sandboxCpuSeconds, redisCpuSeconds }: Outcome): number {
  return workerCpuSeconds + sandboxCpuSeconds + redisCpuSeconds;
}

function figuresOf(
  size: EndsSize,
  outcome: Outcome,
  first?: { readonly size: EndsSize; readonly outcome: Outcome },
): readonly Figure[] {
  const workers = size.workers === 1 ? "1 worker" : `${size.workers} workers`;
  const name = `${size.clusters} clusters × ${size.leases} leases that end in one minute, ${workers}`;
  const linear = (value: (outcome: Outcome) => number): Figure["reference"] =>
    first && {
      name: `linear growth from ${first.size.clusters} clusters`,
      value: (value(first.outcome) * size.clusters * size.leases) / (first.size.clusters * first.size.leases),
    };
  return [
    { name: `${name}: from the first end until all entries are gone`, value: outcome.seconds, unit: "s" },
    { name: `${name}: lag, median`, value: outcome.lagP50, unit: "s" },
    { name: `${name}: lag, p99`, value: outcome.lagP99, unit: "s", target: atMost(2, outcome.lagP99) },
    { name: `${name}: PUTs`, value: outcome.puts, unit: "" },
    {
      name: `${name}: largest worker`,
      value: outcome.workerPeakMb,
      unit: "MB",
      reference: linear(({ workerPeakMb }) => workerPeakMb),
    },
    {
      name: `${name}: processor time of the workers`,
      value: outcome.workerCpuSeconds,
      unit: "s",
      reference: linear(({ workerCpuSeconds }) => workerCpuSeconds),
    },
    {
      name: `${name}: processor time of the workers for each PUT`,
      value: (1000 * outcome.workerCpuSeconds) / outcome.puts,
      unit: "ms",
    },
    {
      name: `${name}: part of all processors that all of it took`,
      value: (100 * busySeconds(outcome)) / (outcome.seconds * cpus().length),
      unit: "%",
    },
    { name: `${name}: processor time of the sandbox`, value: outcome.sandboxCpuSeconds, unit: "s" },
    { name: `${name}: processor time of Redis`, value: outcome.redisCpuSeconds, unit: "s" },
    {
      name: `${name}: Redis commands a second, those of scripts counted`,
      value: outcome.redisCommands / outcome.seconds,
      unit: "/s",
      reference: linear(({ redisCommands, seconds }) => redisCommands / seconds),
    },
  ];
}
