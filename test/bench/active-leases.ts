import { setTimeout as wait } from "node:timers/promises";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, type Scale } from "./figure.ts";
import { approve, ask, userArn } from "./people.ts";
import { median } from "./percentile.ts";
import { useOf } from "./process-use.ts";
import { seedLeases } from "./seed-leases.ts";
import { type Stage, startStage } from "./stage.ts";

/** As the two clusters are called: one without leases, and one with many. */
const clusters = ["quiet", "crowded"] as const;
const activeLeases = 400;
const leaseSeconds = 3600;
/** Clicks on each cluster that are not counted, so that neither side pays for code that was never run. */
const warmUps = 4;

/**
 * From the click to the proof on a cluster with many active leases, beside one with none. The clicks alternate, so that whatever
 * else keeps the machine busy slows both.
 */
export async function measureActiveLeases(scale: Scale): Promise<readonly Figure[]> {
  const stage = await startStage(clusters, { inspectEverySeconds: leaseSeconds });
  try {
    await stage.ledger.takeTurn("inspect", leaseSeconds * 1000);
    await seedCrowd(stage);
    const [, worker] = await Promise.all([stage.startSlack(), stage.startWorker()]);
    const clicks = clicksOn(stage, worker);
    await inPairs(clicks, warmUps);
    const [quiet, crowded] = await inPairs(clicks, scale === "small" ? 5 : 30);
    return [
      figure("click → proof", quiet.milliseconds, crowded.milliseconds),
      figure("processor time of the worker for one click", quiet.cpuMilliseconds, crowded.cpuMilliseconds),
    ];
  } finally {
    await stage.stop();
  }
}

async function seedCrowd(stage: Stage): Promise<void> {
  const cluster = stage.config.clusters.get("crowded");
  if (!cluster) throw new Error("the bench has no crowded cluster");
  const firstEnd = Date.now() + (leaseSeconds - 300) * 1000;
  await seedLeases(
    stage,
    cluster,
    Array.from({ length: activeLeases }, (_, index) => firstEnd + index),
  );
  await stage.ledger.markAdopted("quiet");
}

function figure(what: string, quiet: readonly number[], crowded: readonly number[]): Figure {
  const [value, reference] = [median(crowded), median(quiet)];
  const name = `${what}, ${activeLeases} active leases: median`;
  const target = atMostTimes(1.3, value, reference);
  return { name, value, unit: "ms", reference: { name: "a cluster without leases", value: reference }, target };
}

interface Clicks {
  readonly milliseconds: number[];
  readonly cpuMilliseconds: number[];
}

type ClickOn = (cluster: string) => Promise<{ readonly milliseconds: number; readonly cpuMilliseconds: number }>;

async function inPairs(click: ClickOn, pairs: number): Promise<readonly [Clicks, Clicks]> {
  const found = clusters.map((): Clicks => ({ milliseconds: [], cpuMilliseconds: [] }));
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const [index, cluster] of clusters.entries()) {
      const { milliseconds, cpuMilliseconds } = await click(cluster);
      found[index]?.milliseconds.push(milliseconds);
      found[index]?.cpuMilliseconds.push(cpuMilliseconds);
    }
  }
  const [quiet, crowded] = found;
  if (!quiet || !crowded) throw new Error("the bench has lost a cluster");
  return [quiet, crowded];
}

/** Asks for a user that was never asked for before, and approves: one request at a time waits for its click. */
function clicksOn(stage: Stage, worker: ProductProcess): ClickOn {
  const events = readEvents(stage.ledger);
  let next = activeLeases;
  return async (cluster) => {
    const [asked] = await ask(stage, events, { cluster, principals: [userArn(next++)], duration: "1h" });
    if (!asked) throw new Error(`nobody was asked on ${cluster}`);
    const cpuBefore = (await useOf(worker.pid)).cpuSeconds;
    const clicked = await approve(stage, asked);
    const active = await activeAt(events, asked.request);
    // What the run does after the proof counts too; and not in step with the sweep, which comes once a second.
    await wait(300 + Math.random() * 200);
    const cpuMilliseconds = ((await useOf(worker.pid)).cpuSeconds - cpuBefore) * 1000;
    return { milliseconds: active - clicked, cpuMilliseconds };
  };
}

async function activeAt(events: EventReader, request: string): Promise<number> {
  const active = timesOf(await events.take("lease.active", 1)).get(request);
  if (active === undefined) throw new Error(`another lease than ${request} turned active`);
  return active;
}
