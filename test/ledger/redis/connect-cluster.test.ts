import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../sandbox/free-port.ts";
import { explainFailure } from "../../../src/access/failure/access-error.ts";
import { connectRedis } from "../../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../../src/ledger/redis/ledger.ts";
import { aRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { ledgerContract } from "../contract.ts";
import { aLedgerOn, asAdministrator } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";
import { askAWorker } from "./ask-a-worker.ts";

interface ClusterNode extends AServer {
  readonly busPort: number;
}

const slots = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const;

let nodes: readonly ClusterNode[];
let url: string;

beforeAll(async () => {
  nodes = await Promise.all(slots.map(startNode));
  await Promise.all(nodes.map((node, index) => asAdministrator(node.url, (redis) => join(redis, index))));
  await Promise.all(nodes.map((node) => asAdministrator(node.url, untilWhole)));
  url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
});

afterAll(() => Promise.all(nodes.map((node) => node.stop())));

async function startNode(): Promise<ClusterNode> {
  const busPort = await freePort();
  const server = await aServer(["cluster-enabled yes", `cluster-port ${busPort}`]);
  return { ...server, busPort };
}

async function join(redis: Redis, index: number): Promise<void> {
  const [from = 0, to = 0] = slots[index] ?? [];
  // Two nodes with one epoch would have to settle first who may speak for its slots.
  await redis.cluster("SET-CONFIG-EPOCH", index + 1);
  await redis.cluster("ADDSLOTSRANGE", from, to);
  for (const node of nodes.slice(0, index)) await redis.call("CLUSTER", "MEET", "127.0.0.1", node.port, node.busPort);
}

async function untilWhole(redis: Redis): Promise<void> {
  while (!(await redis.cluster("INFO")).startsWith("cluster_state:ok")) await pause(20);
}

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
  expect(explainFailure(failure)).toContain(
    "There is no answer from Redis at redis+cluster://127.0.0.1:9,127.0.0.1:10",
  );
});

test("a command fails in time for an ack while the node that has our keys is gone", async () => {
  const { redis, close } = await connectRedis(url);
  const ledger = redisLedger(redis);
  await ledger.get("r-1");
  await (await nodeOfOurKeys()).kill();

  const command = ledger.get("r-1").catch((error: unknown) => error);
  // On a machine that is busy with something else all timers are late, in their order.
  const failure = await Promise.race([command, pause(3_000, "no answer in time")]);
  await close();

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
});

async function nodeOfOurKeys(): Promise<ClusterNode> {
  const [first] = nodes;
  if (!first) throw new Error("the nodes are there only while the tests run");
  const slot = await asAdministrator(first.url, (redis) => redis.cluster("KEYSLOT", "{eks-access}"));
  return nodes.find((_, index) => slot <= (slots[index]?.[1] ?? 0)) ?? first;
}
