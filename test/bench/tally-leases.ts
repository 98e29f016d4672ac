import { setTimeout as wait } from "node:timers/promises";
import type { Bench } from "./bench.ts";
import type { Figure } from "./figure.ts";
import type { Asked } from "./people.ts";

const withinMs = 120_000;

/** What became of requests that were approved. */
export interface LeaseTally {
  readonly approved: number;
  /** In force in the ledger, and in the document. */
  readonly leased: number;
  /** Entries for a principal that has one already, and leases that the audit log calls active a second time. */
  readonly doubled: number;
}

/** Looks until all of them are leased, or two minutes are over, and counts. */
export async function tallyLeases(bench: Bench, cluster: string, asked: readonly Asked[]): Promise<LeaseTally> {
  const until = Date.now() + withinMs;
  for (;;) {
    const leased = await leasedOf(bench, cluster, asked);
    if (leased === asked.length || Date.now() > until) {
      return { approved: asked.length, leased, doubled: await doubledOf(bench, cluster, asked) };
    }
    await wait(200);
  }
}

/** For these approvals, named by how they came about. */
export function leaseFigures(name: string, { approved, leased, doubled }: LeaseTally): readonly Figure[] {
  const success = (100 * leased) / approved;
  return [
    {
      name: `${name}: leased and proven of those approved`,
      value: success,
      unit: "%",
      target: { text: "all", met: leased === approved },
      published: `approved requests that were leased and proven, ${name}`,
    },
    {
      name: `${name}: doubled leases`,
      value: doubled,
      unit: "",
      target: { text: "none", met: doubled === 0 },
      published: `leases that were given twice, ${name}`,
    },
  ];
}

async function leasedOf(bench: Bench, cluster: string, asked: readonly Asked[]): Promise<number> {
  const records = await Promise.all(asked.map(({ request }) => bench.ledger.get(request)));
  const times = timesInDocument(bench, cluster, asked);
  return records.filter((record, index) => record?.lease?.state === "active" && times[index]).length;
}

async function doubledOf(bench: Bench, cluster: string, asked: readonly Asked[]): Promise<number> {
  const tooMany = (times: readonly number[]) => times.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const events = await Promise.all(asked.map(({ request }) => bench.ledger.eventsOf(request, 1_000)));
  const activations = events.map((own) => own.filter(({ event }) => event.type === "lease.active").length);
  return tooMany(timesInDocument(bench, cluster, asked)) + tooMany(activations);
}

/** How often each principal is in the map of users. */
function timesInDocument(bench: Bench, cluster: string, asked: readonly Asked[]): readonly number[] {
  const users = bench.clusters.get(cluster)?.awsAuth()?.data?.mapUsers ?? "";
  return asked.map(({ principal }) => users.split(principal).length - 1);
}
