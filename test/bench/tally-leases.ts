import { setTimeout as wait } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import type { Asked } from "./people.ts";
import type { Stage } from "./stage.ts";

const withinMs = 120_000;

/** What became of requests that were approved. */
export interface LeaseTally {
  readonly approved: number;
  /** In force in the ledger, and in the document. */
  readonly granted: number;
  /** Entries for a principal that has one already, and grants that the audit log calls active a second time. */
  readonly doubled: number;
}

/** Looks until all of them are granted, or two minutes are over, and counts. */
export async function tallyLeases(stage: Stage, cluster: string, asked: readonly Asked[]): Promise<LeaseTally> {
  const until = Date.now() + withinMs;
  for (;;) {
    const granted = await grantedOf(stage, cluster, asked);
    if (granted === asked.length || Date.now() > until) {
      return { approved: asked.length, granted, doubled: await doubledOf(stage, cluster, asked) };
    }
    await wait(200);
  }
}

/** For these approvals, named by how they came about. */
export function leaseFigures(name: string, { approved, granted, doubled }: LeaseTally): readonly Figure[] {
  const success = (100 * granted) / approved;
  return [
    {
      name: `${name}: granted and proven of those approved`,
      value: success,
      unit: "%",
      target: { text: "all", met: granted === approved },
      published: `approved requests that were granted and proven, ${name}`,
    },
    {
      name: `${name}: doubled grants`,
      value: doubled,
      unit: "",
      target: { text: "none", met: doubled === 0 },
      published: `grants that were given twice, ${name}`,
    },
  ];
}

async function grantedOf(stage: Stage, cluster: string, asked: readonly Asked[]): Promise<number> {
  const records = await Promise.all(asked.map(({ request }) => stage.ledger.get(request)));
  const times = timesInDocument(stage, cluster, asked);
  return records.filter((record, index) => record?.lease?.state === "active" && times[index]).length;
}

async function doubledOf(stage: Stage, cluster: string, asked: readonly Asked[]): Promise<number> {
  const tooMany = (times: readonly number[]) => times.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const events = await Promise.all(asked.map(({ request }) => stage.ledger.eventsOf(request, 1_000)));
  const activations = events.map((own) => own.filter(({ event }) => event.type === "lease.active").length);
  return tooMany(timesInDocument(stage, cluster, asked)) + tooMany(activations);
}

/** How often each principal stands in the map of users. */
function timesInDocument(stage: Stage, cluster: string, asked: readonly Asked[]): readonly number[] {
  const users = stage.clusters.get(cluster)?.awsAuth()?.data?.mapUsers ?? "";
  return asked.map(({ principal }) => users.split(principal).length - 1);
}
