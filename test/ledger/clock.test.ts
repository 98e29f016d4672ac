import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { LedgerClock, type TimeService } from "../../src/ledger/clock.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { FailureLog } from "../../src/operations/log.ts";
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

/** The right time, whatever this machine's clock shows. */
const right = { startedAt: Date.now(), uptime: process.uptime() };
const rightMs = () => right.startedAt + (process.uptime() - right.uptime) * 1000;

/** How far the clock of the process is ahead of the right time, in seconds. */
const aheadOf = (clock: LedgerClock) => Math.round((clock.now().getTime() - rightMs()) / 1000) + 0;

const aws: TimeService = { name: "AWS", ask: async () => new Date(rightMs()) };
const silent: TimeService = { name: "AWS", ask: () => Promise.reject(new Error("no answer")) };

function setMachine(aheadSeconds: number): void {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: ["Date"], now: rightMs() + aheadSeconds * 1000 });
}

/** A real Redis whose own clock is so many seconds ahead. */
function redisAhead(seconds: number): Parameters<LedgerClock["compare"]>[0] {
  const { redis } = connection;
  const time = async () => {
    const [whole, micro = 0] = await redis.time();
    return [Number(whole) + seconds, micro];
  };
  return { time } as Pick<typeof redis, "time">;
}

/** What a look says; "": all clocks agree. */
async function look(clock: LedgerClock, redisSeconds = 0): Promise<string> {
  return clock.compare(redisAhead(redisSeconds)).then(() => "", explainFailure);
}

const ntp = "Set the clocks by NTP.";

describe("a third clock, AWS' or Slack's, decides which one is wrong", () => {
  test.each([
    ["this machine's, ahead", 1_200, 0, 0, "This machine's clock is 20 min ahead, so Redis' time counts."],
    ["this machine's, behind", -1_200, 0, 0, "This machine's clock is 20 min behind, so Redis' time counts."],
    ["this machine's, by seconds", 30, 0, 0, "This machine's clock is 30 s ahead, so Redis' time counts."],
    ["Redis', ahead", 0, 240, 0, "Redis' clock is 4 min ahead."],
    ["Redis', behind", 0, -1_200, 0, "Redis' clock is 20 min behind."],
    [
      "both",
      1_200,
      1_080,
      0,
      "This machine's clock is 20 min ahead, so the time of AWS counts, because Redis' clock is 18 min ahead.",
    ],
  ])("%s", async (_what, machine, redis, ahead, said) => {
    const clock = new LedgerClock(aws);
    setMachine(machine);

    expect(await look(clock, redis)).toBe(`${said} ${ntp}`);
    expect(Math.abs(aheadOf(clock) - ahead)).toBeLessThanOrEqual(1);
  });

  test("a machine a little behind takes Redis' time in silence, so that it gives nothing that another one has ended", async () => {
    const clock = new LedgerClock(aws);
    setMachine(-3);

    expect(await look(clock)).toBe("");
    expect(aheadOf(clock)).toBe(0);
  });

  test("who has Redis can't hold back the end of a lease", async () => {
    const clock = new LedgerClock(aws);

    for (const seconds of [-4, -60, -7_200]) {
      await look(clock, seconds);
      expect(aheadOf(clock)).toBe(0);
    }
  });
});

describe("without its answer, what both clocks showed when they agreed decides", () => {
  test.each([
    ["a machine that is set back", -1_200, 0],
    ["a machine that jumps ahead", 1_200, 0],
    ["a Redis that jumps ahead", 0, 1_200],
    ["a Redis that is set back", 0, -1_200],
  ])("%s changes the time of no process", async (_what, machine, redis) => {
    const clock = new LedgerClock(silent);
    expect(await look(clock)).toBe("");
    setMachine(machine);
    // Before a look sees it.
    expect(aheadOf(clock)).toBe(0);

    for (const _again of [1, 2]) {
      expect(await look(clock, redis)).toContain(`20 min ${machine + redis > 0 ? "ahead" : "behind"}`);
      expect(aheadOf(clock)).toBe(0);
    }
  });

  test("a wrong machine that is set right again, beside a Redis that is wrong too, moves no lease", async () => {
    const clock = new LedgerClock(aws);
    setMachine(960);
    await look(clock, 1_200);
    expect(Math.abs(aheadOf(clock))).toBeLessThanOrEqual(1);
    setMachine(0);
    await look(clock, 1_200);

    expect(aheadOf(clock)).toBe(0);
  });
});

describe("where nothing decides, the later time counts, so that no lease ends late", () => {
  test.each([
    ["behind by less than five minutes", -299, 0, "5 min behind"],
    ["ahead", 120, 120, "2 min ahead of"],
    ["behind by more: Redis' clock can be the wrong one", -601, -601, "10 min behind"],
  ])("a machine that is %s", async (_what, machine, ahead, said) => {
    const clock = new LedgerClock(silent);
    setMachine(machine);

    expect(await look(clock)).toBe(`This machine's clock is ${said} that of Redis. ${ntp}`);
    expect(aheadOf(clock)).toBe(ahead);
  });
});

test("a Redis that is away leaves the clock as it was", async () => {
  const clock = new LedgerClock(aws);
  setMachine(1_200);
  await look(clock);
  const away = await connectRedis(database.url);
  await away.close();

  await expect(clock.compare(away.redis)).resolves.toBeUndefined();
  expect(aheadOf(clock)).toBe(0);
});

test("a wrong clock is in the log once and announced once, and health has its figure", async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const announced: string[] = [];
  const clock = new LedgerClock(aws);
  setMachine(-1_200);

  const following = await clock.follow(connection.redis, new FailureLog(log), async ({ message }) => {
    announced.push(message);
  });
  await following.stop(new AbortController().signal);

  const sentence = `This machine's clock is 20 min behind, so Redis' time counts. ${ntp}`;
  expect(lines.filter((line) => line.includes(sentence))).toHaveLength(1);
  expect(announced).toEqual([sentence]);
  expect(clock.state()).toEqual({ aheadOfRedisSeconds: -1_200, wrong: sentence });
});
