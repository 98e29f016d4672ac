import { afterEach, beforeEach, expect, test } from "vitest";
import { type Cluster, type Zone, zoneByName } from "../../src/access/policy/cluster.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues, type Queues, wake, wakeAll } from "../../src/ledger/queues.ts";
import { workerQuestions } from "../../src/ledger/worker-questions.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { startWorker } from "../../src/worker/worker.ts";
import { keys } from "../builders/keys.ts";
import { sceneConfig } from "../fault/reconcile-scene.ts";
import { silentContext } from "../fault/silent-context.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let clusters: Map<string, Cluster>;
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  const { cluster } = sceneConfig();
  clusters = new Map([
    ["public", { ...cluster, name: "public" }],
    ["private", { ...cluster, name: "private", zone: "eu-private" }],
  ]);
  database = await aRedis();
  connection = await connectRedis(database.url, {}, { gathers: false });
  queues = openQueues(
    connection.redis,
    zoneByName(() => ({ clusters })),
  );
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await queues.close();
  await connection.close();
  await database.close();
});

/** A worker of these zones that only says which clusters it would open. Its sweep finds nothing due. */
function aWorkerOf(...zones: readonly Zone[]): readonly string[] {
  const opened: string[] = [];
  const { config } = sceneConfig();
  const context: WorkerContext = {
    ...silentContext(redisLedger(connection.redis)),
    ...{ queues, keys, config: { ...config, clusters }, now: () => new Date() },
    openRescuer: async ({ name }) => {
      opened.push(name);
      throw new Error("it is not there");
    },
  };
  const blocking = connectRedisBlocking(database.url);
  const worker = startWorker(() => ({ ...context, config: { ...config, clusters } }), blocking, zones);
  stops.push(async () => {
    await worker.stop(AbortSignal.timeout(2_000));
    blocking.disconnect();
  });
  return opened;
}

const waitingIn = async (zone: Zone) =>
  (await queues.inZone("clusters", zone).getJobs(["waiting", "prioritized", "delayed"])).map(({ data }) =>
    "cluster" in data ? `${data.type} ${data.cluster}` : data.type,
  );

test("each job waits in the queue of its cluster's zone", async () => {
  await wake(queues, { type: "inspect", cluster: "private" });
  await wakeAll(queues, [
    { type: "inspect", cluster: "public" },
    { type: "preview", cluster: "private" },
    { type: "end", cluster: "private" },
  ]);

  expect(await waitingIn(null)).toEqual(["inspect public"]);
  expect((await waitingIn("eu-private")).toSorted()).toEqual(["inspect private", "preview private"]);
  expect(await queues.inZone("ends", "eu-private").getWaitingCount()).toBe(1);
});

test("a worker works on its own zones alone, and says that it is there", async () => {
  const there = aWorkerOf("eu-private");

  await expect.poll(() => there).toContain("private");
  const seen = await redisLedger(connection.redis).zonesSeen();

  expect(new Set(there)).toEqual(new Set(["private"]));
  expect([...seen.keys()]).toEqual(["eu-private"]);
});

test("a job of a cluster that changed its zone continues in the new zone's queue", async () => {
  await wake(queues, { type: "adopt", cluster: "public" });
  const { cluster } = sceneConfig();
  clusters = new Map([["public", { ...cluster, name: "public", zone: "us-private" }]]);

  const old = aWorkerOf(null);

  await expect.poll(() => waitingIn("us-private")).toContain("adopt public");
  const next = aWorkerOf("us-private");
  await expect.poll(() => next).toContain("public");
  expect(old).toEqual([]);
});

test("whether a worker runs is asked where the cluster's own workers are", async () => {
  aWorkerOf(null);
  const { ask } = workerQuestions(queues);

  const [without, inZone] = await Promise.allSettled([
    ask({ type: "alive" }, 30_000, "public"),
    ask({ type: "alive" }, 1_000, "private"),
  ]);

  expect(without).toEqual({ status: "fulfilled", value: true });
  expect(inZone.status).toBe("rejected");
});
