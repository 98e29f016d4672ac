import { setTimeout as wait } from "node:timers/promises";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { type Bench, startBench } from "./bench.ts";
import { readEvents } from "./events.ts";
import type { Figure, Scale } from "./figure.ts";
import { type Asked, approve, ask, userArn } from "./people.ts";
import { leaseFigures, tallyLeases } from "./tally-leases.ts";

const cluster = "staging";
/** Between two clicks, so that each kill finds something under way. */
const apartMs = 60;

/** Approvals that come one after another, while a worker is killed again and again and another takes its place. */
export async function measureKilledWorkers(scale: Scale): Promise<readonly Figure[]> {
  const [count, kills] = scale === "small" ? [15, 1] : [100, 5];
  const bench = await startBench([cluster]);
  try {
    await bench.startSlack();
    const workers = await Promise.all([bench.startWorker(), bench.startWorker()]);
    const events = readEvents(bench.ledger);
    const principals = Array.from({ length: count }, (_, index) => userArn(index));
    const asked = await ask(bench, events, { cluster, principals, duration: "1h" });
    await Promise.all([approveInTurn(bench, asked), killInTurn(bench, workers, kills)]);
    const tally = await tallyLeases(bench, cluster, asked);
    return leaseFigures(
      `${count} approvals while ${kills === 1 ? "a worker is" : `${kills} workers are`} killed`,
      tally,
    );
  } finally {
    await bench.stop();
  }
}

async function approveInTurn(bench: Bench, asked: readonly Asked[]): Promise<void> {
  for (const each of asked) {
    await approve(bench, each);
    await wait(apartMs);
  }
}

/** The one that has run the longest, each time while its successor is not there yet. */
async function killInTurn(bench: Bench, workers: readonly ProductProcess[], kills: number): Promise<void> {
  const running = [...workers];
  for (let kill = 0; kill < kills; kill += 1) {
    await wait(500);
    await running.shift()?.kill();
    running.push(await bench.startWorker());
  }
}
