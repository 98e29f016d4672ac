import { setTimeout as wait } from "node:timers/promises";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { account } from "../../sandbox/scene.ts";
import { type Bench, startBench } from "./bench.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, median, type Scale } from "./figure.ts";
import { approve, ask, userArn } from "./people.ts";
import { type ProcessUse, useOf } from "./process-use.ts";

/** The cluster of the clicks; the others are open too. */
const cluster = "staging";
const accounts = [account, ...Array.from({ length: 39 }, (_, index) => String(200_000_000_000 + index))];
const warmUps = 5;

/** The product with a fleet of so many discovered clusters. */
interface Fleet {
  readonly bench: Bench;
  readonly events: EventReader;
  readonly slack: ProductProcess;
  readonly worker: ProductProcess;
  readonly first: FirstLook;
}

/** What it took to find and open every cluster once, from the start of both processes. Milliseconds. */
interface FirstLook {
  readonly foundAfter: number;
  readonly openedAfter: number;
  /** Of the worker, when the last cluster was read. */
  readonly use: ProcessUse;
}

/** A click, memory and start with many discovered clusters, beside few. The clicks alternate, so that a busy machine slows both. */
export async function measureFleet(scale: Scale): Promise<readonly Figure[]> {
  const [few, many] = scale === "small" ? [10, 100] : [10, 1_000];
  const fleets: Fleet[] = [];
  try {
    for (const count of [few, many]) fleets.push(await startFleet(count));
    const [small, large] = fleets;
    if (!small || !large) throw new Error("the bench has lost a fleet");
    const clicks = await inPairs(small, large, scale === "small" ? 5 : 20);
    const held = [await memoryOf(small), await memoryOf(large)] as const;
    const starts = [await startOf(small), await startOf(large)] as const;
    const figure = (name: string, unit: string, [reference, value]: readonly [number, number]): Figure => {
      const beside = { name: `${few} clusters`, value: reference };
      return { name: `${many} discovered clusters: ${name}`, value, unit, reference: beside };
    };
    const click = (name: string, of: keyof Click): Figure => {
      const [reference, value] = clicks.map((each) => median(each.map((one) => one[of]))) as [number, number];
      return { ...figure(name, "ms", [reference, value]), target: atMostTimes(1.3, value, reference) };
    };
    const firsts = (of: (first: FirstLook) => number) => [of(small.first), of(large.first)] as const;
    return [
      click("click → proof, median", "milliseconds"),
      click("processor time of the worker for one click, median", "workerCpu"),
      click("processor time of the Slack process for one click, median", "slackCpu"),
      figure(
        "until every cluster is found",
        "s",
        firsts(({ foundAfter }) => foundAfter / 1000),
      ),
      figure(
        "until every cluster is opened and read once",
        "s",
        firsts(({ openedAfter }) => openedAfter / 1000),
      ),
      figure(
        "processor time of the worker until then",
        "s",
        firsts(({ use }) => use.cpuSeconds),
      ),
      figure(
        "largest worker until then",
        "MB",
        firsts(({ use }) => use.peakMb),
      ),
      figure("resident memory, worker", "MB", [held[0].worker, held[1].worker]),
      figure("resident memory, Slack process", "MB", [held[0].slack, held[1].slack]),
      figure("start to ready with the list in Redis, worker", "ms", starts),
    ];
  } finally {
    await Promise.all(fleets.map(({ bench }) => bench.stop()));
  }
}

async function startFleet(count: number): Promise<Fleet> {
  const others = Array.from({ length: count - 1 }, (_, index) => `shop-${index}`);
  const bench = await startBench([cluster, ...others], { fleet: accounts });
  const startedAt = performance.now();
  const [slack, worker] = await Promise.all([bench.startSlack(), bench.startWorker()]);
  const isKnown = `"clusters":${count},"msg":"the list of the fleet changed"`;
  await Promise.all([slack.logged(isKnown), worker.logged(isKnown)]);
  const foundAfter = performance.now() - startedAt;
  // The worker opens each new cluster, and reads what it remembers.
  const names = [cluster, ...others];
  while ((await bench.ledger.adopted(names)).size < count) await wait(500);
  const first = { foundAfter, openedAfter: performance.now() - startedAt, use: await useOf(worker.pid) };
  await untilQuiet(worker);
  return { bench, events: readEvents(bench.ledger), slack, worker, first };
}

/** The start is over when the worker has little to do. */
async function untilQuiet(worker: ProductProcess): Promise<void> {
  for (let quiet = 0, looks = 0; quiet < 3 && looks < 300; looks += 1) {
    const before = (await useOf(worker.pid)).cpuSeconds;
    await wait(1000);
    quiet = (await useOf(worker.pid)).cpuSeconds - before < 0.05 ? quiet + 1 : 0;
  }
}

/** What one click took. */
interface Click {
  readonly milliseconds: number;
  readonly workerCpu: number;
  readonly slackCpu: number;
}

async function inPairs(small: Fleet, large: Fleet, pairs: number): Promise<readonly [Click[], Click[]]> {
  const [few, many]: [Click[], Click[]] = [[], []];
  for (let pair = 0; pair < warmUps + pairs; pair += 1) {
    const both = [await click(small, pair), await click(large, pair)] as const;
    if (pair < warmUps) continue;
    few.push(both[0]);
    many.push(both[1]);
  }
  return [few, many];
}

async function click({ bench, events, slack, worker }: Fleet, index: number): Promise<Click> {
  const [asked] = await ask(bench, events, { cluster, principals: [userArn(index)], duration: "1h" });
  if (!asked) throw new Error("nobody was asked");
  // The preview's last steps are no part of the click.
  await wait(300);
  const cpuOf = async () =>
    (await Promise.all([worker, slack].map(({ pid }) => useOf(pid)))).map((use) => use.cpuSeconds);
  const before = await cpuOf();
  const clicked = await approve(bench, asked);
  const active = timesOf(await events.take("lease.active", 1)).get(asked.request);
  if (active === undefined) throw new Error(`another lease than ${asked.request} turned active`);
  await wait(300 + Math.random() * 200);
  const [workerCpu = 0, slackCpu = 0] = (await cpuOf()).map((after, place) => (after - (before[place] ?? 0)) * 1000);
  return { milliseconds: active - clicked, workerCpu, slackCpu };
}

async function memoryOf({ slack, worker }: Fleet): Promise<{ readonly worker: number; readonly slack: number }> {
  const [ofWorker, ofSlack] = await Promise.all([useOf(worker.pid), useOf(slack.pid)]);
  return { worker: ofWorker.residentMb, slack: ofSlack.residentMb };
}

/** One more worker, beside the first. */
async function startOf({ bench }: Fleet): Promise<number> {
  const startedAt = performance.now();
  await bench.startWorker();
  return performance.now() - startedAt;
}
