import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { FailureLog } from "../../../src/operations/log.ts";
import { createWorkerMetrics } from "../../../src/operations/metrics.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { sweepInTurn } from "../../../src/worker/sweep.ts";
import { LedgerWatch, ledgerWorks } from "../../../src/worker/upkeep/watch-ledger.ts";
import { aDirectScene } from "../../fault/direct-scene.ts";
import { wishes } from "../../fault/reconcile-scene.ts";

/** A worker that gave two leases, of one minute and of one hour, and that then sees its ledger come and go. */
async function aWorker() {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  const metrics = createWorkerMetrics(new Registry());
  const lines: string[] = [];
  const note = (_: unknown, text: string) => void lines.push(text);
  const { ledger: _, queues: __, ...rest } = scene.context();
  const log = Object.assign(Object.create(rest.log), { info: note, warn: note });
  const watch = new LedgerWatch(() => ({ ...rest, log, metrics }));
  const alone = async () => (await metrics.withoutLedger.get()).values[0]?.value;
  const later = async (seconds: number) => {
    scene.clock.ms += seconds * 1000;
    watch.away();
    await watch.settled();
  };
  const mapUsers = () => scene.aws.awsAuth()?.data?.mapUsers ?? "";
  return { ...scene, watch, lines, alone, later, mapUsers };
}

test("a worker ends leases once its ledger has been away for a minute, and not before", async () => {
  const { later, mapUsers, alone } = await aWorker();

  await later(0);
  await later(59);
  expect(mapUsers()).toContain("eks-access:viewers");
  expect(await alone()).toBe(0);
  await later(3);

  expect(mapUsers()).not.toContain("eks-access:viewers");
  expect(mapUsers()).toContain("eks-access:admins");
  expect(await alone()).toBe(1);
});

test("it ends each lease when its time is over, without a look at the cluster in between", async () => {
  const { later, mapUsers, aws } = await aWorker();
  await later(0);
  await later(120);
  const { resourceVersion } = aws.awsAuth()?.metadata ?? {};

  for (let minute = 0; minute < 56; minute += 1) await later(60);
  expect(mapUsers()).toContain("eks-access:admins");
  expect(aws.awsAuth()?.metadata.resourceVersion).toBe(resourceVersion);
  await later(180);

  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("the log says once that it works without the ledger, and once that it is back", async () => {
  const { watch, lines, later, alone, ledger, cluster, context } = await aWorker();

  watch.there();
  await later(0);
  for (let turn = 0; turn < 3; turn += 1) await later(61);
  watch.there();
  watch.there();

  expect(lines.filter((line) => line.includes("without the ledger: only"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("the ledger is back"))).toHaveLength(1);
  expect(await alone()).toBe(0);
  await reconcileCluster(context(), cluster, "end");
  expect((await ledger.get(wishes.short.id))?.lease?.state).toBe("ended");
});

test("a ledger that comes back in time changes nothing", async () => {
  const { watch, later, mapUsers } = await aWorker();

  for (let turn = 0; turn < 3; turn += 1) {
    await later(50);
    watch.there();
  }

  expect(mapUsers()).toContain("eks-access:viewers");
});

test("a ledger that answers, but in which no sweep finds what is due, counts as away: no lease would end there", async () => {
  const { context, ledger } = await aWorker();
  const failures = new FailureLog(context().log);
  const worker = { ...context(), failures };
  const writes = () => ledger.takeTurn("does-it-write", 1);
  const garbled = { ...ledger, due: () => Promise.reject(new Error("WRONGTYPE")) };
  const turnOf = (found: Ledger) => sweepInTurn({ ...worker, ledger: { ...found, takeTurn: async () => true } }, 1_000);

  await turnOf(garbled);
  // Another worker has the next turn, and fares no better.
  await sweepInTurn({ ...worker, ledger: { ...garbled, takeTurn: async () => false } }, 1_000);
  await expect(ledgerWorks(worker, writes)).rejects.toThrow("no sweep");
  await turnOf(ledger);

  await expect(ledgerWorks(worker, writes)).resolves.toBeUndefined();
});

test("a ledger in which the queue of ends can't be read counts as away too: its jobs do not run", async () => {
  const { context, ledger } = await aWorker();
  const failures = new FailureLog(context().log);
  const worker = { ...context(), failures };
  const ends = { ...worker.queues.ends, getJobCounts: () => Promise.reject(new Error("WRONGTYPE")) };

  await sweepInTurn({ ...worker, queues: { ...worker.queues, ends } }, 1_000);

  await expect(ledgerWorks(worker, () => ledger.takeTurn("does-it-write", 1))).rejects.toThrow("no sweep");
});

test("clusters that do not answer, however many, keep it from no other one", async () => {
  const { context, cluster, clock, mapUsers } = await aWorker();
  const { ledger: _, queues: __, openCluster, ...rest } = context();
  const silent = Array.from({ length: 64 }, (_each, index) => ({ ...cluster, name: `silent-${index}` }));
  const clusters = new Map([...silent, cluster].map((each) => [each.name, each]));
  const opening: ((error: Error) => void)[] = [];
  const open: typeof openCluster = async (...asked) => {
    if (asked[1].name === cluster.name && openCluster) return openCluster(...asked);
    return new Promise((_resolve, reject) => void opening.push(reject));
  };
  const watch = new LedgerWatch(() => ({ ...rest, openCluster: open, config: { ...rest.config, clusters } }));

  for (let look = 0; look < 12; look += 1) {
    clock.ms += 20_000;
    watch.away();
    for (const fail of opening.splice(0)) fail(new Error("no answer"));
    await watch.settled();
  }

  expect(mapUsers()).not.toContain("eks-access:viewers");
});

test("it leaves clusters of other zones alone, which its network does not reach", async () => {
  const { context, clock, mapUsers } = await aWorker();
  const { ledger: _, queues: __, ...rest } = context();
  const watch = new LedgerWatch(() => rest, ["eu-private"]);

  for (const seconds of [0, 61, 61]) {
    clock.ms += seconds * 1000;
    watch.away();
    await watch.settled();
  }

  expect(mapUsers()).toContain("eks-access:viewers");
});

test("a worker that started without the ledger finds the clusters of the fleet, and ends the leases there", async () => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  const { ledger: _, queues: __, ...rest } = scene.context();
  let isFound = false;
  const unknown = { ...rest, config: { ...rest.config, clusters: new Map() } };
  const watch = new LedgerWatch(
    () => (isFound ? rest : unknown),
    [null],
    async () => {
      isFound = true;
    },
  );
  const mapUsers = () => scene.aws.awsAuth()?.data?.mapUsers ?? "";

  for (let look = 0; look < 4; look += 1) {
    watch.away();
    scene.clock.ms += 62_000;
    await watch.settled();
  }

  expect(mapUsers()).not.toContain("eks-access:viewers");
  expect(mapUsers()).toContain("eks-access:admins");
});
