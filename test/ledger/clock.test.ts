import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { LedgerClock } from "../../src/ledger/client.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;

beforeAll(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
});
afterAll(async () => {
  await connection.close();
  await database.close();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How far a process whose machine's clock is so far off is behind, in seconds, after a look at Redis'. */
async function behind(seconds: number): Promise<number> {
  vi.useRealTimers();
  const real = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: real - seconds * 1000 });
  const clock = new LedgerClock();
  await clock.compare(connection.redis).catch(() => {});
  return Math.round((real - clock.now().getTime()) / 1000) + 0;
}

test("a process whose machine is behind takes the time of Redis, so that it gives nothing that another one has ended", async () => {
  expect(await behind(120)).toBe(0);
  expect(await behind(299)).toBe(0);
});

test("a machine that is ahead, or more than five minutes off, keeps its own time", async () => {
  expect(await behind(-120)).toBe(-120);
  expect(await behind(301)).toBe(301);
  expect(await behind(1)).toBe(1);
});

test("a machine that is too far behind for that is a failure with its fix, not late ends that nobody explains", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 601_000 });

  const compared = new LedgerClock().compare(connection.redis);

  await expect(compared).rejects.toThrow("The clock is 10 min behind that of Redis. Set the clocks by NTP.");
});

test("a Redis that is away leaves the clock as it was", async () => {
  const away = await connectRedis(database.url);
  await away.close();

  await expect(new LedgerClock().compare(away.redis)).resolves.toBeUndefined();
});
