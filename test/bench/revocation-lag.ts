import { setTimeout as wait } from "node:timers/promises";
import { type Bench, startBench } from "./bench.ts";
import { readEvents } from "./events.ts";
import { atMost, type Figure, median, percentile, type Scale } from "./figure.ts";
import { approve, ask, userArn } from "./people.ts";

const cluster = "staging";
const leaseSeconds = 8;
/** Between the clicks, so that each end finds the worker idle; no multiple of the sweep's second. */
const apartMs = 1_730;

/** From the end of a lease to the moment at which its entry is gone from the document, with a worker that is idle. */
export async function measureRevocationLag(scale: Scale): Promise<readonly Figure[]> {
  const count = scale === "small" ? 4 : 30;
  const bench = await startBench([cluster]);
  try {
    await Promise.all([bench.startSlack(), bench.startWorker()]);
    const lags = (await endedLeases(bench, count)).map((lagMs) => lagMs / 1000);
    const p99 = percentile(lags, 0.99);
    const name = "end of a lease → its entry is gone, idle worker";
    return [
      {
        name: `${name}: median`,
        value: median(lags),
        unit: "s",
        target: atMost(2, median(lags)),
        published: `${name}, median`,
      },
      { name: `${name}: p99`, value: p99, unit: "s", target: atMost(2, p99), published: `${name}, p99` },
    ];
  } finally {
    await bench.stop();
  }
}

/** The lag of each lease, in milliseconds. */
async function endedLeases(bench: Bench, count: number): Promise<readonly number[]> {
  const events = readEvents(bench.ledger);
  const principals = Array.from({ length: count }, (_, index) => userArn(index));
  const goneAt = watchLeaving(bench, principals);
  const asked = await ask(bench, events, { cluster, principals, duration: `${leaseSeconds}s` });
  for (const each of asked) {
    await approve(bench, each);
    await wait(apartMs);
  }
  await events.take("lease.ended", count);
  return Promise.all(
    asked.map(async ({ request, principal }) => {
      const endsAt = Date.parse((await bench.ledger.get(request))?.lease?.endsAt ?? "");
      return (goneAt.get(principal) ?? Number.NaN) - endsAt;
    }),
  );
}

/** When each of the principals was first in the document and then not any more, in milliseconds since the epoch. */
function watchLeaving(bench: Bench, principals: readonly string[]): ReadonlyMap<string, number> {
  const present = new Set<string>();
  const goneAt = new Map<string, number>();
  bench.clusters.get(cluster)?.onChange((configMap) => {
    const users = configMap?.data?.mapUsers ?? "";
    for (const arn of principals) {
      if (users.includes(arn)) present.add(arn);
      else if (present.delete(arn)) goneAt.set(arn, Date.now());
    }
  });
  return goneAt;
}
