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

test("a machine whose clock is set back while it runs takes the time of Redis, however far, and says so each time", async () => {
  const clock = new LedgerClock();
  await clock.compare(connection.redis);
  const real = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: real - 1_200_000 });

  for (let look = 0; look < 2; look += 1) {
    await expect(clock.compare(connection.redis)).rejects.toThrow("The clock is 20 min behind that of Redis.");
    expect(Math.round((clock.now().getTime() - real) / 1000)).toBe(0);
  }
});

test("a Redis whose own clock jumps ahead takes no machine with it", async () => {
  const clock = new LedgerClock();
  await clock.compare(connection.redis);
  const [seconds, microseconds] = await connection.redis.time();
  const ahead = { ...connection.redis, time: async () => [Number(seconds) + 1_200, microseconds] };

  await expect(clock.compare(ahead as typeof connection.redis)).rejects.toThrow("20 min behind");
  expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(1_000);
});

test("a Redis that is away leaves the clock as it was", async () => {
  const away = await connectRedis(database.url);
  await away.close();

  await expect(new LedgerClock().compare(away.redis)).resolves.toBeUndefined();
});
