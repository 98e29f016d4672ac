import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../../src/access/access-error.ts";
import { connectRedis } from "../../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../../src/ledger/redis/ledger.ts";
import { aRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { ledgerContract } from "../contract.ts";
import { type ACluster, aCluster, withoutTls } from "./a-cluster.ts";
import { aLedgerOn, asAdministrator } from "./a-ledger-on.ts";
import type { AServer } from "./a-server.ts";
import { askAWorker } from "./ask-a-worker.ts";

let cluster: ACluster;
let nodes: readonly AServer[];
let url: string;

beforeAll(async () => {
  cluster = await aCluster(withoutTls);
  nodes = cluster.nodes.map(({ server }) => server);
  url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
});

afterAll(() => cluster.stop());

describe("the ledger on a Redis Cluster", () => {
  ledgerContract(() =>
    aLedgerOn(
      { url },
      nodes.map((node) => node.url),
    ),
  );
});

test("a closed record that is in no list is found on a Redis Cluster, too", async () => {
  const { redis, close } = await connectRedis(url);
  const ledger = redisLedger(redis);
  await ledger.commit(aChange(aRequest({ id: "r-unlisted", state: "denied" })));
  await redis.zrem("{eks-access}:closed", "r-unlisted");
  const taking = { before: at(hours(30)), putOffUntil: at(hours(40)), limit: 10 };

  const taken: string[] = [];
  for (let step = 0; step < 20 && taken.length === 0; step += 1) {
    taken.push(...(await ledger.takeClosed(taking)).map(({ id }) => id));
  }
  await close();

  expect(taken).toEqual(["r-unlisted"]);
});

test("one node is enough to find the others", async () => {
  const { redis, close } = await connectRedis(`redis+cluster://127.0.0.1:${nodes[0]?.port}`);

  await Promise.all(["a", "b", "c", "d"].map((key) => redis.set(key, key)));
  const read = await Promise.all(["a", "b", "c", "d"].map((key) => redis.get(key)));
  await close();

  expect(read).toEqual(["a", "b", "c", "d"]);
});

test("the queues work on a Redis Cluster, and all their keys and the ledger's live in one slot", async () => {
  await Promise.all(nodes.map((node) => asAdministrator(node.url, (redis) => redis.flushall())));

  const answer = await askAWorker(url);

  const counts = await Promise.all(nodes.map((node) => asAdministrator(node.url, (redis) => redis.dbsize())));
  expect(answer).toBe("looked at staging");
  expect(counts.filter((count) => count > 0)).toHaveLength(1);
});

test("where no node answers the start fails within its time limit and names them", async () => {
  const began = performance.now();

  const failure = await connectRedis("redis+cluster://worker:hunter2secret@127.0.0.1:9,127.0.0.1:10").catch(
    (error: unknown) => error,
  );

  expect(performance.now() - began).toBeLessThan(30_000);
  expect(explainFailure(failure)).toContain("No answer from Redis at redis+cluster://127.0.0.1:9,127.0.0.1:10");
});

test("a command fails in time for an ack while the node that has our keys is gone", async () => {
  const { redis, close } = await connectRedis(url);
  const ledger = redisLedger(redis);
  await ledger.get("r-1");
  await (await cluster.nodeOfOurKeys()).server.kill();

  const command = ledger.get("r-1").catch((error: unknown) => error);
  // On a machine that is busy with something else all timers are late, in their order.
  const failure = await Promise.race([command, pause(3_000, "no answer in time")]);
  await close();

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
});
