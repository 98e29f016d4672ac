import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatAnchor } from "../../src/audit/anchor.ts";
import type { ChainedEvent } from "../../src/audit/event.ts";
import { audit } from "../../src/bin/audit.ts";
import type { AuditSettings } from "../../src/config/config.ts";
import { copyEvents, forgetOldEvents } from "../../src/jobs/keep-audit.ts";
import type { AuditLog } from "../../src/ledger/audit-log.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { redisAuditLog } from "../../src/redis/audit-log.ts";
import { connectRedis, type RedisConnection } from "../../src/redis/connect.ts";
import { redisLedger } from "../../src/redis/ledger.ts";
import { runCommand } from "../bin/check-run.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let ledger: Ledger;
let log: AuditLog;

const daySeconds = 24 * 3600;
const settings: AuditSettings = { channel: null, anchorEverySeconds: 60, keepSeconds: null, copyToLog: false };

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  ledger = redisLedger(connection.redis);
  log = redisAuditLog(connection.redis);
  vi.stubEnv("REDIS_URL", database.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await connection.close();
  await database.close();
});

/** One event a day, each of a request of its own. */
async function days(count: number): Promise<void> {
  for (let day = 0; day < count; day += 1) {
    const change = aChange(aRequest({ id: `r-${day + 1}` }));
    await ledger.commit({ ...change, event: { ...change.event, at: at(day * daySeconds).toISOString() } });
  }
}

const run = (...argv: string[]) => runCommand(audit, argv);

describe("the audit log", () => {
  test("of a new ledger is empty and whole", async () => {
    expect(await log.base()).toEqual(await log.head());
    expect((await run("verify")).stdout).toContain("whole: 0 events");
  });

  test("forgets what is older than it is kept, and stays whole from there on", async () => {
    await days(5);
    const posted = formatAnchor(await log.head());

    await forgetOldEvents(log, { ...settings, keepSeconds: 2 * daySeconds }, at(4 * daySeconds));

    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([3, 4, 5]);
    expect(await log.base()).toMatchObject({ count: 2 });
    expect(await run("verify", "--anchor", posted)).toMatchObject({ code: 0 });
    expect((await ledger.eventsOf("r-1", 10)).length).toBe(0);
  });

  test("forgets nothing where the configuration does not say so", async () => {
    await days(3);

    await forgetOldEvents(log, settings, at(4000 * daySeconds));

    expect((await log.events(1, 10)).length).toBe(3);
  });

  test("does not forget what was not copied out yet", async () => {
    await days(3);
    await log.markCopied(1);

    await forgetOldEvents(log, { ...settings, keepSeconds: daySeconds, copyToLog: true }, at(40 * daySeconds));

    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([2, 3]);
  });

  test("never goes back to what it has forgotten, nor forgets up to an event that it does not have", async () => {
    await days(3);
    const [first, second] = await log.events(1, 2);
    if (!first || !second) throw new Error("there are three");

    await log.forgetUpTo(second);
    await log.forgetUpTo(first);
    await log.forgetUpTo({ ...second, sequence: 9 });

    expect(await log.base()).toEqual({ count: 2, hash: second.hash });
    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([3]);
  });

  test("is copied out in order, each event once, and again from where a copier died", async () => {
    await days(3);
    const copied: number[] = [];
    const write = ({ sequence }: ChainedEvent) => void copied.push(sequence);
    const writeAndDie = ({ sequence }: ChainedEvent) => {
      if (sequence === 3) throw new Error("the process dies here");
    };

    await expect(copyEvents(log, writeAndDie)).rejects.toThrow();
    await copyEvents(log, write);
    await copyEvents(log, write);

    expect(copied).toEqual([1, 2, 3]);
  });
});

describe("eks-access audit", () => {
  test("finds an event that was removed in Redis, and says which", async () => {
    await days(3);
    await connection.redis.xdel("{eks-access}:events", "2-0");

    expect(await run("verify")).toMatchObject({
      code: 1,
      stdout: "broken: Event 2 is missing: event 3 stands in its place.\n",
    });
  });

  test("finds a log that was replaced by a shorter one, by the anchor that was posted", async () => {
    await days(3);
    const posted = formatAnchor(await log.head());
    await connection.redis.flushdb();
    await days(2);

    expect(await run("verify")).toMatchObject({ code: 0 });
    expect(await run("verify", "--anchor", posted)).toMatchObject({ code: 1 });
  });

  test.each(["jsonl", "cloudevents"])("exports as %s what verifies without Redis, edited or not", async (format) => {
    await days(3);
    const { stdout } = await run("export", "--format", format);
    const verify = (text: string) => runCommand(audit, ["verify", "--file", "-"], { stdin: text });

    expect(stdout.trim().split("\n").length).toBe(3);
    expect(await verify(stdout)).toMatchObject({ code: 0 });
    expect(await verify(stdout.split("\n").slice(1).join("\n"))).toMatchObject({ code: 0 });
    expect(await verify(stdout.replace('"r-2"', '"r-9"').replace('"request":"r-2"', '"request":"r-9"'))).toMatchObject(
      format === "jsonl" ? { code: 1, stdout: "broken: Event 2 was edited.\n" } : { code: 1 },
    );
    expect(await verify(stdout.split("\n").toReversed().join("\n"))).toMatchObject({ code: 1 });
  });

  test("exports from any event on, and shows the events of one request", async () => {
    await days(3);

    expect((await run("export", "--from", "3")).stdout).toContain('"sequence":3');
    expect((await run("export", "--from", "3")).stdout.trim().split("\n").length).toBe(1);
    expect(JSON.parse((await run("show", "--request", "r-2")).stdout)).toMatchObject({ sequence: 2, request: "r-2" });
  });

  test.each([
    [[], "Say verify, export or show."],
    [["verify", "--format", "jsonl"], "verify takes no --format."],
    [["verify", "--anchor", "12"], "An anchor is COUNT:HASH"],
    [["export", "--format", "xml"], "--format is jsonl or cloudevents."],
    [["export", "--from", "0"], "--from is a number from 1."],
    [["verify", "--file", "no-such-file"], "there is no such file"],
  ])("answers %j with what is wrong", async (argv, message) => {
    const { code, stderr } = await run(...argv);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test("says which line of a file is none of an export", async () => {
    const { code, stderr } = await runCommand(audit, ["verify", "--file", "-"], { stdin: '\n{"a":1}\n' });

    expect([code, stderr]).toEqual([2, "eks-access audit: Line 2 is no event of an export of eks-access.\n"]);
  });
});
