import { afterEach, beforeEach, expect, test } from "vitest";
import { arns, clusterName } from "../../sandbox/scene.ts";
import type { Cluster, Zone } from "../../src/access/policy/cluster.ts";
import { nextVersion, withTrouble } from "../../src/access/request.ts";
import { nextTry } from "../../src/access/retry.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues, type Queues } from "../../src/ledger/queues.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { adoptByTheClock } from "../../src/worker/reconcile/adopt.ts";
import { LateMemories, sweep } from "../../src/worker/sweep.ts";
import { startWorker, workOverdue } from "../../src/worker/worker.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import {
  approve,
  ask,
  give,
  later,
  modesConfig,
  outsideDocument,
  requestOf,
  revokeOnly,
} from "./reconcile/both-ways.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const viewers = "eks-access:viewers";
const stops: (() => Promise<unknown>)[] = [];
let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let context: WorkerContext;
let cluster: Cluster;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
  const config = modesConfig();
  cluster = clusterIn(config, clusterName);
  context = { ...side().context(redisLedger(connection.redis)), config, queues };
  await outsideDocument(side().sandbox).edit(arns.engineer, null);
  // No look by the clock comes in between.
  for (const name of config.clusters.keys()) await context.ledger.markAdopted(name);
  for (const turn of ["inspect", "memories"]) await context.ledger.takeTurn(turn, 3_600_000);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queues.close();
  await connection.close();
  await database.close();
});

/** A worker whose clock is so many seconds ahead. */
function aWorker(aheadSeconds: number, zones: readonly Zone[] = [null]): void {
  const ahead = later(context, aheadSeconds);
  const blocking = connectRedisBlocking(database.url);
  const worker = startWorker(() => ahead, blocking, zones);
  stops.push(async () => {
    await worker.stop(AbortSignal.timeout(2_000));
    blocking.disconnect();
  });
}

const look = { type: "end", cluster: clusterName } as const;
const key = (queue: string, part: string) => `{eks-access}:${queue}:${part}`;
const garble = async (...names: readonly string[]) => {
  for (const name of names) await connection.redis.set(name, "garbage");
};
const limit = async (meta: Readonly<Record<string, number>>) => {
  for (const queue of ["ends", "clusters"]) {
    await connection.redis.hset(key(queue, "meta"), meta);
    await connection.redis.set(key(queue, "limiter"), 1, "PX", 3_600_000);
  }
};
const stateOf = async (id: string) => (await requestOf(context, id)).lease?.state;

test.each([
  ["garbled the queue of ends", () => garble(key("ends", "wait"))],
  ["garbled what runs of the queue of ends", () => garble(key("ends", "active"))],
  ["garbled both queues", () => garble(key("ends", "wait"), key("clusters", "wait"), key("clusters", "prioritized"))],
  ["garbled the queues' numbers", () => garble(key("ends", "id"), key("clusters", "id"))],
  ["limited the queues' rate", () => limit({ max: 1, duration: 3_600_000 })],
  ["lets the queues run no job at once", () => limit({ concurrency: 0 })],
  ["paused the queues", async () => void (await Promise.all([queues.ends.pause(), queues.clusters.pause()]))],
  [
    "put in a job for later, which keeps others out",
    () => queues.ends.add("end", look, { delay: 3_600_000, deduplication: { id: `end-${clusterName}` } }),
  ],
])("a revoked lease ends within a minute although a person with Redis %s", async (_, harm) => {
  await give(context, cluster, { id: "r-one", durationSeconds: 3_600 });
  await harm();
  await revokeOnly(context, "r-one");

  aWorker(35);

  await expect.poll(() => stateOf("r-one"), { timeout: 10_000 }).toBe("ended");
  expect(await outsideDocument(side().sandbox).given(arns.engineer)).toBeNull();
});

test("a lease that a person with Redis prolonged ends by its cluster's memory although they paused the queues", async () => {
  await give(context, cluster, { id: "r-one", durationSeconds: 3_600 });
  const given = await requestOf(context, "r-one");
  const lease = given.lease && { ...given.lease, endsAt: later(context, 360_000).now().toISOString() };
  const prolonged = { ...nextVersion(given), durationSeconds: 360_000, lease } as typeof given;
  await context.ledger.commit(aChange(prolonged));
  await Promise.all([queues.ends.pause(), queues.clusters.pause()]);
  const [memories, elsewhere] = [new LateMemories(), new LateMemories()];

  for (const seconds of [0, 4_000]) {
    await workOverdue(later(context, seconds), ["elsewhere"], elsewhere);
    await workOverdue(later(context, seconds), [null], memories);
  }

  expect(await stateOf("r-one")).toBe("ended");
  expect(await outsideDocument(side().sandbox).given(arns.engineer)).toBeNull();
});

test("a cluster's memory that its queue has read is not read beside it", async () => {
  const memories = new LateMemories();
  await memories.looks(context, [null]);
  await adoptByTheClock(context, cluster);
  const late = await memories.looks(later(context, 4_000), [null]);

  expect(late.map((look) => look.cluster)).toEqual(
    [...context.config.clusters.keys()].filter((name) => name !== clusterName),
  );
});

test("a failed end does not wait for the time of a clock that was ahead", async () => {
  await give(context, cluster, { id: "r-one", durationSeconds: 3_600 });
  await garble(key("ends", "wait"), key("clusters", "wait"));
  await revokeOnly(context, "r-one");
  const ahead = later(context, 1_200).now();
  const failure = { code: "aws-clock-skew", message: "AWS refused the signature" };
  const revoked = await requestOf(context, "r-one");
  await context.ledger.commit(aChange(withTrouble(revoked, nextTry(revoked, failure, ahead))));

  // It forgets the failure, and finds the garbled queues.
  await expect(sweep(later(context, 35))).rejects.toThrow("WRONGTYPE");
  aWorker(35);

  await expect.poll(() => stateOf("r-one")).toBe("ended");
  expect(await outsideDocument(side().sandbox).given(arns.engineer)).toBeNull();
});

test("what is not overdue waits for its queue, and a worker of another zone leaves it", async () => {
  await give(context, cluster, { id: "r-one", durationSeconds: 3_600 });
  await garble(key("ends", "wait"), key("clusters", "wait"));
  await revokeOnly(context, "r-one");

  aWorker(5);
  aWorker(35, ["elsewhere"]);
  await expect.poll(async () => (await context.ledger.zonesSeen()).has("elsewhere")).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 500));

  expect(await stateOf("r-one")).toBe("active");
  expect(await outsideDocument(side().sandbox).given(arns.engineer)).toEqual([viewers]);
});

test("a request gets its look, and an approved lease begins, although a person with Redis keeps their jobs out", async () => {
  const kept = async (type: "preview" | "reconcile") => {
    const deduplication = { id: `${type}-${clusterName}` };
    await queues.clusters.add(type, { type, cluster: clusterName }, { delay: 3_600_000, deduplication });
  };
  for (const type of ["preview", "reconcile"] as const) await kept(type);
  await ask(context, cluster, { id: "r-one" });
  await approve(context, cluster, "r-one");
  const createdAt = context.now().toISOString();
  const expiresAt = later(context, 3_600).now().toISOString();
  await context.ledger.commit(aChange(aRequest({ id: "r-two", principal: arns.onCall, createdAt, expiresAt })));

  aWorker(35);

  await expect.poll(() => stateOf("r-one"), { timeout: 10_000 }).toBe("active");
  await expect.poll(async () => (await requestOf(context, "r-two")).preview !== null, { timeout: 10_000 }).toBe(true);
});
