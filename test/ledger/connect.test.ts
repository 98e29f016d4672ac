import { once } from "node:events";
import { createServer } from "node:net";
import { inspect } from "node:util";
import type { Redis } from "ioredis";
import { afterEach, expect, inject, test } from "vitest";
import { AccessError, explainFailure } from "../../src/access/access-error.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { aRedis } from "../redis.ts";

let connection: RedisConnection | undefined;

afterEach(async () => {
  await connection?.close();
  connection = undefined;
});

/** Port 9 is "discard": nothing listens there. */
const nobody = "redis://worker:hunter2secret@127.0.0.1:9/0";

test("without a Redis the start fails within its time limit, and names the place without the password", async () => {
  const began = performance.now();

  const failure = await connectRedis(nobody).catch((error: unknown) => error);

  expect(performance.now() - began).toBeLessThan(30_000);
  expect(failure).toBeInstanceOf(AccessError);
  expect(explainFailure(failure)).toBe("No answer from Redis at redis://127.0.0.1:9/0. Check Redis and REDIS_URL.");
  expect(inspect(failure, { depth: 10 })).not.toContain("hunter2secret");
});

test("a refused password is reported, and stays a secret", async () => {
  const url = new URL(inject("redisUrl"));
  url.username = "nobody";
  url.password = "hunter2secret";

  const failure = await connectRedis(url.href).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-refused", retryable: false });
  expect(inspect(failure, { depth: 10 })).not.toContain("hunter2secret");
});

test("a command fails at once while the connection is away, so that an answer to Slack is never late", async () => {
  connection = await connectRedis(inject("redisUrl"));
  connection.redis.disconnect();

  const failure = await connection.redis.ping().catch((error: unknown) => error);

  // Not that its time is over: it did not wait.
  expect(failure).toMatchObject({ message: expect.stringContaining("Stream isn't writeable") });
});

test("a value without end fails its command and fills no memory, and the connection goes on", async () => {
  const { url, close } = await aRedis();
  connection = await connectRedis(url);
  const { redis } = connection;
  const blocking = connectRedisBlocking(url) as Redis;
  const waiting = blocking.duplicate();
  await redis.setrange("large", 60_000_000, "x");

  const failures = [redis, blocking, waiting].map((each) => each.get("large").catch((error: unknown) => error));

  for (const failure of await Promise.all(failures))
    expect(failure).toMatchObject({ message: expect.stringMatching(/^Redis answers get with more than/) });
  await expect.poll(() => redis.ping().catch(() => null)).toBe("PONG");
  const inScript = redis.eval("return redis.call('GET', KEYS[1])", 1, "large");
  await expect(inScript).rejects.toThrow(/^Redis answers eval with more than/);
  expect(await waiting.ping()).toBe("PONG");
  for (const each of [blocking, waiting]) each.disconnect();
  await close();
});

test.each([
  ["a job that a process takes", 400_000, (url: string) => connectRedisBlocking(url)],
  ["a job that it looks at", 4_600_000, async (url: string) => (await connectRedis(url, {}, { gathers: false })).redis],
])("%s has no room for a million values, which BullMQ would parse", async (_, length, connect) => {
  const { url, close } = await aRedis();
  const redis = (await connect(url)) as Redis;
  await redis.hset("{eks-access}:clusters:1", "opts", "[".repeat(length));

  const failure = await redis.hgetall("{eks-access}:clusters:1").catch((error: unknown) => error);

  expect(failure).toMatchObject({ message: expect.stringMatching(/^Redis answers hgetall with more than/) });
  redis.disconnect();
  await close();
});

test("a job that it looks at has room for the plan of a large migration", async () => {
  const { url, close } = await aRedis();
  const { redis } = await connectRedis(url, {}, { gathers: false });
  await redis.hset("{eks-access}:clusters:1", "returnvalue", "x".repeat(3_000_000));

  expect((await redis.hgetall("{eks-access}:clusters:1")).returnvalue).toHaveLength(3_000_000);
  redis.disconnect();
  await close();
});

test("a server that never answers is given up after the time of the environment", async () => {
  const silent = createServer((socket) => void socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  const access = { connectTimeoutMs: 100, commandTimeoutMs: 500 };
  const usual = performance.now();

  const failure = await connectRedis(`redis://127.0.0.1:${port}`, access).catch((error: unknown) => error);
  silent.close();

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
  // With the usual times the first command alone has five seconds.
  expect(performance.now() - usual).toBeLessThan(4_900);
});
