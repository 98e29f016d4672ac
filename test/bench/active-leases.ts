import { setTimeout as wait } from "node:timers/promises";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import type { Way } from "../../src/access/policy/cluster.ts";
import { type Bench, startBench } from "./bench.ts";
import { callsOfBindings } from "./click-by-way.ts";
import { calls, oneWayMs, withDelays } from "./click-to-proof.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, median, type Scale } from "./figure.ts";
import { inParallel } from "./in-parallel.ts";
import { approve, ask, userArn } from "./people.ts";
import { useOf } from "./process-use.ts";
import { seedLeases } from "./seed-leases.ts";

/** Two clusters: one without leases, and one with many. */
const clusters = ["quiet", "crowded"] as const;
const activeLeases = 400;
const leaseSeconds = 3600;
/** Clicks on each cluster that are not counted, so that neither side pays for code that was never run. */
const warmUps = 20;
/** Near; half as many far away. */
const mostPairs = 30;

const callsOfEntries = ["ListAccessEntries", "DescribeAccessEntry", "CreateAccessEntry"].map((call) => `eks.${call}`);

/** Given at once, so that the product keeps up. */
const givenAtOnce = 200;

/**
 * From the click to the proof on a cluster with many active leases, beside one with none. The clicks alternate, so that whatever
 * else keeps the machine busy slows both.
 */
export async function measureActiveLeases(way: Way, scale: Scale): Promise<readonly Figure[]> {
  const bench = await startBench(clusters, { inspectEverySeconds: leaseSeconds, way });
  try {
    await bench.ledger.takeTurn("inspect", leaseSeconds * 1000);
    const events = readEvents(bench.ledger);
    if (way === "aws-auth") await seedCrowd(bench);
    const [, worker] = await Promise.all([bench.startSlack(), bench.startWorker()]);
    if (way !== "aws-auth") await giveCrowd(bench, events);
    const click = clicksOn(bench, events, worker);
    await inPairs(click, warmUps);
    const pairs = scale === "small" ? 5 : mostPairs;
    const near = await inPairs(click, pairs);
    const far = await withDelays(bench, () => inPairs(click, Math.ceil(pairs / 2)), [
      ...calls,
      ...callsOfBindings,
      ...callsOfEntries,
    ]);
    const figure = (what: string, of: keyof Click, taken: Taken) => figureOf(`${way}: ${what}`, of, taken);
    return [
      figure("click → proof", "milliseconds", near),
      figure(`click → proof, each call ${oneWayMs} ms further away`, "milliseconds", far),
      figure("processor time of the worker for one click", "cpuMilliseconds", near),
      ...(way === "access-entry" ? [figure("entries described for one click", "described", near)] : []),
    ];
  } finally {
    await bench.stop();
  }
}

/** Puts the leases where the product would have put them. */
async function seedCrowd(bench: Bench): Promise<void> {
  const cluster = bench.config.clusters.get("crowded");
  if (!cluster) throw new Error("the bench has no crowded cluster");
  const firstEnd = Date.now() + (leaseSeconds - 300) * 1000;
  await seedLeases(
    bench,
    cluster,
    Array.from({ length: activeLeases }, (_, index) => firstEnd + index),
  );
  await bench.ledger.markAdopted("quiet");
}

/** Has the product give the leases: what it writes into an entry's tags is its own matter. */
async function giveCrowd(bench: Bench, events: EventReader): Promise<void> {
  for (let index = 0; index < activeLeases + 2 * (warmUps + 2 * mostPairs); index += 1) {
    bench.aws.account.addUser({ name: userArn(index).split("/")[1] ?? "" });
  }
  const principals = Array.from({ length: activeLeases }, (_, index) => userArn(index));
  for (let given = 0; given < activeLeases; given += givenAtOnce) {
    const some = principals.slice(given, given + givenAtOnce);
    const asked = await ask(bench, events, { cluster: "crowded", principals: some, duration: "8h" });
    await inParallel(asked, 4, (each) => approve(bench, each));
    await events.take("lease.active", some.length);
  }
}

/** What one click took. */
interface Click {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  /** Calls of DescribeAccessEntry. */
  readonly described: number;
}

type Taken = readonly [quiet: readonly Click[], crowded: readonly Click[]];

function figureOf(what: string, of: keyof Click, [quiet, crowded]: Taken): Figure {
  const [value, reference] = [crowded, quiet].map((clicks) => median(clicks.map((click) => click[of])));
  if (value === undefined || reference === undefined) throw new Error("the bench has lost a cluster");
  return {
    name: `${what}, ${activeLeases} active leases: median`,
    value,
    unit: of === "described" ? "" : "ms",
    reference: { name: "a cluster without leases", value: reference },
    target: atMostTimes(1.3, value, reference),
  };
}

async function inPairs(click: (cluster: string) => Promise<Click>, pairs: number): Promise<Taken> {
  const [quiet, crowded]: [Click[], Click[]] = [[], []];
  for (let pair = 0; pair < pairs; pair += 1) {
    quiet.push(await click("quiet"));
    crowded.push(await click("crowded"));
  }
  return [quiet, crowded];
}

/** Asks for a user that was never asked for before, and approves: one request at a time waits for its click. */
function clicksOn(bench: Bench, events: EventReader, worker: ProductProcess): (cluster: string) => Promise<Click> {
  let next = activeLeases;
  return async (cluster) => {
    const [asked] = await ask(bench, events, { cluster, principals: [userArn(next++)], duration: "1h" });
    if (!asked) throw new Error(`nobody was asked on ${cluster}`);
    // The preview's last steps are no part of the click.
    await wait(300);
    const cpuBefore = (await useOf(worker.pid)).cpuSeconds;
    const describedBefore = bench.calls("eks.DescribeAccessEntry");
    const clicked = await approve(bench, asked);
    const active = await activeAt(events, asked.request);
    // What the run does after the proof counts too; and not in step with the sweep, which comes once a second.
    await wait(300 + Math.random() * 200);
    return {
      milliseconds: active - clicked,
      cpuMilliseconds: ((await useOf(worker.pid)).cpuSeconds - cpuBefore) * 1000,
      described: bench.calls("eks.DescribeAccessEntry") - describedBefore,
    };
  };
}

async function activeAt(events: EventReader, request: string): Promise<number> {
  const active = timesOf(await events.take("lease.active", 1)).get(request);
  if (active === undefined) throw new Error(`another lease than ${request} turned active`);
  return active;
}
