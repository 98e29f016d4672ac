import { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProvidedRedis } from "../../sandbox/redis/provide-redis.ts";
import { arns } from "../../sandbox/scene.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { examineWrites } from "../../src/ledger/examine-redis.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { workOnJobs } from "../../src/ledger/queues.ts";
import { takeWrite } from "../../src/ledger/turns.ts";
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

/** Settings of a Redis that then answers, and takes no writes; and what people read then. */
const readOnly = [
  ["maxmemory", "1", "OOM command not allowed when used memory > 'maxmemory'"],
  ["min-replicas-to-write", "1", "NOREPLICAS Not enough good replicas to write"],
  ["replicaof", "127.0.0.1 9", "READONLY You can't write against a read only replica"],
] as const;

test.each(readOnly)("a Redis with %s %s answers, and says why it takes no writes", async (setting, value, words) => {
  const set = (text: string) =>
    setting === "replicaof"
      ? server.replicaof(...(text.split(" ") as ["NO", "ONE"]))
      : server.config("SET", setting, text);
  await set(value);

  const finding = await examineWrites(ledger);
  const nextWrite = await takeWrite(ledger).catch(explainFailure);
  await set(setting === "replicaof" ? "NO ONE" : "0");
  await expect.poll(() => takeWrite(ledger)).toBeUndefined();

  expect(finding).toMatchObject({
    result: "no",
    detail: `Redis takes no writes: ${words}`,
    remedy: "Check Redis and REDIS_URL.",
  });
  expect(nextWrite).toContain(`Redis takes no writes: ${words}`);
});

test("a changed password is named by each failure, and the log has each cause of the queue once", async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const blocking = connectRedisBlocking(redis.url);
  const idle = { read: () => null, run: async () => {}, failed: () => {}, concurrency: 1, lockMs: 5_000 };
  const worker = workOnJobs({ queue: "clusters", log, ...idle }, blocking);
  await server.call("ACL", "SETUSER", "default", "resetpass", ">another");
  await server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");

  await expect.poll(() => lines.some((line) => line.includes('"tries":4'))).toBe(true);
  const refused = "Redis at REDIS_URL refuses user or password. Check REDIS_URL, REDIS_USERNAME and REDIS_PASSWORD.";
  await expect.poll(() => takeWrite(ledger).catch(explainFailure)).toBe(refused);
  await server.call("ACL", "SETUSER", "default", "nopass");
  await expect.poll(() => takeWrite(ledger).catch(() => "away")).toBeUndefined();
  await worker.stop(AbortSignal.timeout(1_000));
  blocking.disconnect();

  const causes = lines.filter((line) => line.includes('"err"')).map((line) => JSON.parse(line).err.message);
  expect(new Set(causes).size).toBe(causes.length);
});

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
