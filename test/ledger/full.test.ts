import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProvidedRedis } from "../../sandbox/redis/provide-redis.ts";
import { arns } from "../../sandbox/scene.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/redis-ledger.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { redisOfOurOwn } from "../fault/own-redis.ts";

let redis: ProvidedRedis;
let server: Redis;
let connection: RedisConnection;
let ledger: ReturnType<typeof redisLedger>;

beforeAll(async () => {
  redis = await redisOfOurOwn();
  server = new Redis(redis.url);
  connection = await connectRedis(redis.url);
  ledger = redisLedger(connection.redis);
});
afterAll(async () => {
  server.disconnect();
  await connection.close();
  await redis.stop();
});

async function contents() {
  const keys = (await server.keys("*")).toSorted();
  const contentOf = async (key: string) =>
    (await server.type(key)) === "hash" ? server.hgetall(key) : (await server.dumpBuffer(key))?.toString("hex");
  return Promise.all(keys.map(async (key) => [key, await contentOf(key)]));
}

test("a full Redis refuses what it can't keep, and loses nothing of what it has", async () => {
  const creation = { record: "of another cluster", seal: "" } as never;
  await ledger.commit(aChange(aRequest()));
  await ledger.rememberCreation("another", creation);
  await ledger.noteReverted("another", new Date());
  await ledger.beginRun("another");
  const before = await contents();
  await server.config("SET", "maxmemory", "1");

  const refused = await Promise.allSettled([
    ledger.commit(aChange({ ...aRequest(), version: 2 })),
    ledger.rememberCreation("staging", creation),
    ledger.noteReverted("staging", new Date()),
    ledger.beginRun("staging"),
    ledger.newServer(),
    ledger.takeTurn("sweep", 1_000),
    ledger.note(anEvent()),
    ledger.linkPrincipal("U0ENGINEER", { arn: arns.engineer, seal: null }),
    ledger.markAdopted("staging"),
  ]);

  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => "rejected"));
  expect(await contents()).toEqual(before);
});
