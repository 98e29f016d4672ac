import { createPublicKey } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ChainedEvent, erasureMark } from "../../src/access/audit-event.ts";
import { digestOfEvent, signingKeys } from "../../src/access/seal.ts";
import { brokenLogBase, formatAnchor, type LogBase, sealLogBase } from "../../src/access/verify-log.ts";
import { audit } from "../../src/bin/audit.ts";
import type { AuditSettings } from "../../src/config/config.ts";
import { type AuditLog, redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { forgetOldEvents, sealBaseAnew } from "../../src/worker/upkeep/keep-audit.ts";
import { auditSinks, deliver } from "../../src/worker/upkeep/sinks.ts";
import { runCommand } from "../bin/check-run.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { aPrivateKey, keys, otherKeys, variablesNamed } from "../builders/keys.ts";
import { at } from "../builders/times.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let ledger: Ledger;
let log: AuditLog;

const daySeconds = 24 * 3600;
const settings: AuditSettings = {
  ...{ channel: null, anchorEverySeconds: 60, keepSeconds: null },
  sinks: [],
};

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  ledger = redisLedger(connection.redis);
  log = redisAuditLog(connection.redis);
  vi.stubEnv("REDIS_URL", database.url);
  vi.stubEnv("PREVIEW_PUBLIC_KEYS", variablesNamed("ours").slack.PREVIEW_PUBLIC_KEYS);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await connection.close();
  await database.close();
});

/** One event a day, each of a request of its own. */
async function days(count: number, from = 0): Promise<void> {
  for (let day = from; day < count; day += 1) {
    const change = aChange(aRequest({ id: `r-${day + 1}` }));
    await ledger.commit({ ...change, event: { ...change.event, at: at(day * daySeconds).toISOString() } });
  }
}

/** Runs a worker's removal this many days after the first event. */
const forget = (change: Partial<AuditSettings>, day: number) =>
  forgetOldEvents(log, { ...settings, ...change }, keys.preview, at(day * daySeconds));

/** An attacker edits the second event. */
async function edit(): Promise<void> {
  const entries = await connection.redis.xrange("{eks-access}:events", "-", "+");
  await connection.redis.del("{eks-access}:events");
  for (const [id, fields] of entries) {
    await connection.redis.xadd("{eks-access}:events", id, ...fields.map((each) => each.replace('"r-2"', '"r-9"')));
  }
}

/** An attacker's forged beginning of the log, after its second event. */
async function moved(): Promise<Omit<LogBase, "seal">> {
  const [, second] = await log.events(1, 2);
  return { count: 2, hash: second?.hash ?? "", anchors: [] };
}

async function migrationBase(change: object): Promise<void> {
  const { count, hash } = await moved();
  await connection.redis.hset("{eks-access}:chain-base", { sequence: count, hash, ...change });
  await connection.redis.xtrim("{eks-access}:events", "MINID", "3-0");
}

const run = (...argv: string[]) => runCommand(audit, argv);

describe("the audit log", () => {
  test("of a new ledger is empty and whole", async () => {
    expect(await log.base()).toMatchObject(await log.head());
    expect((await run("verify")).stdout).toContain("whole: 0 events");
  });

  test("removes events past their time, and stays whole from there on", async () => {
    await days(5);
    const posted = formatAnchor(await log.head());

    expect(await forget({ keepSeconds: 2 * daySeconds }, 4)).toBeNull();

    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([3, 4, 5]);
    expect(await log.base()).toMatchObject({ count: 2 });
    expect(await run("verify", "--anchor", posted)).toMatchObject({ code: 0 });
    expect((await ledger.eventsOf("r-1", 10)).length).toBe(0);
  });

  test("remembers the anchors of removed events, and accepts no forged one", async () => {
    await days(2);
    const told = /anchor (\S+)/.exec((await run("verify")).stdout)?.[1] ?? "";
    await days(5, 2);
    const madeUp = { count: 1, hash: "f".repeat(64) };
    await log.noteAnchor(madeUp);

    await forget({ keepSeconds: daySeconds }, 1.5);
    await forget({ keepSeconds: daySeconds }, 40);

    expect(await log.base()).toMatchObject({ count: 5, anchors: [{ count: 2 }] });
    expect(await run("verify", "--anchor", told)).toMatchObject({ code: 0 });
    expect(await run("verify", "--anchor", formatAnchor(madeUp))).toMatchObject({ code: 1 });
    expect(await log.anchors(1_000)).toEqual([{ count: 5, hash: (await log.head()).hash }]);
  });

  test("removes nothing unless the configuration says so", async () => {
    await days(3);

    await forget({}, 4000);

    expect((await log.events(1, 10)).length).toBe(3);
  });

  test("keeps events that a sink does not have yet", async () => {
    await days(3);
    await log.markDelivered("log", 1);

    await forget({ keepSeconds: daySeconds, sinks: [{ kind: "log" }] }, 40);

    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([2, 3]);
  });

  test("never moves its beginning back or to an absent event, and moves it for one worker alone", async () => {
    await days(3);
    const [first, second, third] = (await log.events(1, 3)).map(({ sequence, hash }) => {
      return sealLogBase({ count: sequence, hash, anchors: [] }, keys.preview);
    });
    if (!first || !second || !third) throw new Error("there are three");
    const none = await log.base();

    await log.beginAt(second, none);
    await log.beginAt(third, none);
    await log.beginAt(first, second);
    await log.beginAt({ ...second, count: 9 }, second);

    expect(await log.base()).toEqual(second);
    expect((await log.events(1, 10)).map((each) => each.sequence)).toEqual([3]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["in which an event was edited", edit],
    ["that begins where the worker did not let it begin", () => migrationBase({})],
    ["whose beginning another key signed", async () => migrationBase(sealLogBase(await moved(), otherKeys.preview))],
    [
      "whose beginning says more than was signed",
      async () => migrationBase({ ...sealLogBase(await moved(), keys.preview), anchors: `1:${"f".repeat(64)}` }),
    ],
  ])("removes nothing from a log %s, because the worker would sign it as whole", async (_, breakIt) => {
    await days(5);
    await breakIt();
    const before = (await log.events(1, 10)).length;

    expect(await forget({ keepSeconds: daySeconds }, 40)).toMatchObject({ type: "broken" });

    expect((await log.events(1, 10)).length).toBe(before);
    expect(await run("verify")).toMatchObject({ code: 1 });
  });

  describe("with erased events", () => {
    const told = anEvent({ type: "person.erased", actor: "U0ADMIN", request: "", cluster: "" });
    /** Without the event of this number. */
    async function erase(sequence: number, meanwhile: () => Promise<unknown> = async () => {}): Promise<boolean> {
      const before = await log.base();
      const [each] = await log.events(sequence, 1);
      if (!each) throw new Error("there is no such event");
      const left = {
        event: anEvent({ actor: "erased-1", at: each.event.at }),
        digest: each.erased ?? digestOfEvent(each.event),
      };
      const mark = erasureMark({ ...each, event: left.event, erased: left.digest }) ?? "";
      const base = sealLogBase(
        { ...before, erasures: new Map([...(before.erasures ?? []), [sequence, mark]]) },
        keys.preview,
      );
      const [isDone] = await Promise.all([log.erase(new Map([[sequence, left]]), base, before, told), meanwhile()]);
      return isDone;
    }

    test("keeps its chain, its anchors and newer events, and nothing of the erased text", async () => {
      await days(550);
      const anchor = formatAnchor({ count: 550, hash: (await log.head()).hash });

      const isDone = await erase(2, () => days(580, 550));

      const { code, stdout } = await run("verify", "--anchor", anchor);
      expect([isDone, code, stdout]).toEqual([true, 0, expect.stringContaining("whole: 581 events")]);
      expect((await log.events(2, 1))[0]?.event.actor).toBe("erased-1");
      expect(JSON.stringify(await connection.redis.xrange("{eks-access}:events", "-", "+"))).not.toContain('"r-2"');
      expect(await connection.redis.pttl("{eks-access}:events")).toBe(-1);
    });

    test("can be erased again, forgotten, exported and checked, and is broken without the worker's signature", async () => {
      await days(4);
      await erase(2);
      await erase(3);
      await erase(3);
      const whole = await run("verify");
      for (const format of ["jsonl", "cloudevents"]) {
        const { stdout } = await run("export", "--format", format);
        expect(await runCommand(audit, ["verify", "--file", "-"], { stdin: stdout })).toMatchObject({
          code: 1,
          stdout: expect.stringMatching(/^whole: 7 events.*\nunproved: erased or edited: 2, 3\. /s),
        });
      }
      await forget({ keepSeconds: daySeconds }, 2.5);

      const later = await run("verify");
      await connection.redis.hset("{eks-access}:chain-base", "erasures", "");

      expect([whole.code, later.code, (await run("verify")).code]).toEqual([0, 0, 1]);
    });

    test("is not whole in an export in which someone calls their own edit an erasure, although it fits the anchor", async () => {
      await days(3);
      const anchor = formatAnchor({ count: 3, hash: (await log.head()).hash });
      const lines = (await run("export")).stdout.split("\n");
      const second = JSON.parse(lines[1] ?? "");
      const edited = { ...second, event: { ...second.event, actor: "U0OTHER" }, erased: digestOfEvent(second.event) };
      const stdin = lines.with(1, JSON.stringify(edited)).join("\n");

      const { code, stdout } = await runCommand(audit, ["verify", "--file", "-", "--anchor", anchor], { stdin });

      expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("unproved: erased or edited: 2.") });
    });

    test("stays as it was if another process moved its beginning", async () => {
      await days(3);
      const before = await log.base();
      await forget({ keepSeconds: daySeconds }, 1.5);
      const events = await log.events(1, 10);

      expect(await log.erase(new Map(), before, before, told)).toBe(false);
      expect(await log.events(1, 10)).toEqual(events);
    });
  });

  test("is signed again with a rotated key, and not if the worker never signed it", async () => {
    const rotated = signingKeys<"preview">(aPrivateKey("newer"), [createPublicKey(aPrivateKey("ours: previews"))]);
    const alone = signingKeys<"preview">(aPrivateKey("newer"));
    await days(3);
    await sealBaseAnew(log, rotated);
    await forget({ keepSeconds: daySeconds }, 2.5);

    await sealBaseAnew(log, alone);
    expect(brokenLogBase(await log.base(), alone)).not.toBeNull();
    await sealBaseAnew(log, rotated);

    expect(brokenLogBase(await log.base(), alone)).toBeNull();
    expect(await log.base()).toMatchObject({ count: 2 });
  });

  test("is copied out in order, each event once, and again from where a copier died", async () => {
    await days(3);
    const copied: number[] = [];
    const write = ({ sequence }: ChainedEvent) => void copied.push(sequence);
    const writeAndDie = ({ sequence }: ChainedEvent) => {
      if (sequence === 3) throw new Error("the process dies here");
    };

    const copyEvents = async (copy: (event: ChainedEvent) => void) => {
      const places = { sinks: [{ kind: "log" as const }], webhookSecret: null, write: copy, now: () => at(0) };
      for (const sink of auditSinks(places)) await deliver(log, sink);
    };
    await expect(copyEvents(writeAndDie)).rejects.toThrow();
    await copyEvents(write);
    await copyEvents(write);

    expect(copied).toEqual([1, 2, 3]);
  });
});

describe("eks-access audit", () => {
  test("finds an event that was removed in Redis, and says which", async () => {
    await days(3);
    await connection.redis.xdel("{eks-access}:events", "2-0");

    expect(await run("verify")).toMatchObject({
      code: 1,
      stdout: "broken: Event 2 is missing.\n",
    });
  });

  test("prints a review as CSV, and none of a broken log", async () => {
    await days(3);
    const lease = {
      ...aChange(aRequest({ id: "r-0", version: 2 })).event,
      type: "lease.active",
      request: "r-0",
    } as const;
    await ledger.append(lease);

    expect(await run("review", "--cluster", "staging", "--from", "2026-01-01")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^request,cluster,.*\r\nr-0,staging,/s),
    });
    expect(await run("review", "--cluster", "stagng")).toMatchObject({
      code: 0,
      stderr: "The audit log has no lease of stagng.\n",
    });
    for (const [from, to] of [
      ["yesterday", "2026-03-01"],
      ["2026-03-01", "1.9.2026"],
      ["2026-02-31", "2026-04-01"],
      ["2026-9-1", "2026-10-01"],
      ["2026-03-01 09:00", "2026-04-01"],
    ] as const) {
      const refused = await run("review", "--from", from, "--to", to);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("Give --from and --to as a date") });
    }
    const backwards = await run("review", "--from", "2026-04-01", "--to", "2026-03-01");
    expect(backwards).toMatchObject({ code: 2, stderr: expect.stringContaining("Give --to after --from.") });

    await connection.redis.xdel("{eks-access}:events", "2-0");
    expect(await run("review")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("is broken") });
  });

  test("finds a log that was replaced by a shorter one, by the anchor that was posted", async () => {
    await days(3);
    const posted = formatAnchor(await log.head());
    await connection.redis.flushdb();
    await days(2);

    expect(await run("verify")).toMatchObject({ code: 0 });
    expect(await run("verify", "--anchor", posted)).toMatchObject({ code: 1 });
  });

  test("finds a replaced log behind a moved base, with an earlier anchor and without one", async () => {
    await days(20);
    const posted = formatAnchor(await log.head());
    const base = { sequence: 21, hash: "b".repeat(64) };
    await connection.redis.del("{eks-access}:events");
    await connection.redis.hset("{eks-access}:chain-base", base);
    await connection.redis.hset("{eks-access}:chain-head", base);
    await days(3);

    expect(await run("verify", "--anchor", posted)).toMatchObject({ code: 1 });
    expect(await run("verify")).toMatchObject({
      code: 1,
      stdout: "broken: The log begins after event 21 without the worker's signature.\n",
    });
  });

  test.each(["jsonl", "cloudevents"])("exports as %s what verifies without Redis, edited or not", async (format) => {
    await days(3);
    const { stdout } = await run("export", "--format", format);
    const verify = (text: string) => runCommand(audit, ["verify", "--file", "-"], { stdin: text });

    expect(stdout.trim().split("\n").length).toBe(3);
    expect(await verify(stdout)).toMatchObject({ code: 0 });
    const withoutFirst = await verify(stdout.split("\n").slice(1).join("\n"));
    expect([withoutFirst.code, withoutFirst.stdout]).toEqual([
      0,
      expect.stringMatching(/^whole: 2 events after event 1,/),
    ]);
    expect(await verify(stdout.replace('"r-2"', '"r-9"').replace('"request":"r-2"', '"request":"r-9"'))).toMatchObject(
      format === "jsonl" ? { code: 1, stdout: "broken: Event 2 was edited.\n" } : { code: 1 },
    );
    expect(await verify(stdout.split("\n").toReversed().join("\n"))).toMatchObject({ code: 1 });
    const again = format === "jsonl" ? '"event":{' : '"data":{';
    expect(await verify(stdout.replaceAll('":', '" : '))).toMatchObject({ code: 0 });
    for (const twice of ['"actor":"U0OTHER",', '"\\u0061ctor" : "U0OTHER",']) {
      const edited = stdout.replace(again, `${again}${twice}`);
      expect(await verify(edited)).toMatchObject({ code: 1, stdout: "broken: Event 1 was edited.\n" });
    }
    // What the chain does not cover says the same as what it does.
    for (const name of format === "jsonl" ? [] : ["type", "time", "subject", "source"]) {
      const edited = stdout.replace(new RegExp(`("${name}":"[^"]*)"`), '$1-edited"');
      expect(await verify(edited)).toMatchObject({ code: 1, stdout: "broken: Event 1 was edited.\n" });
    }
  });

  test("says which key it needs after events were removed, and needs none before", async () => {
    vi.stubEnv("PREVIEW_PUBLIC_KEYS", "");
    await days(3);

    expect(await run("verify")).toMatchObject({ code: 0 });
    await forget({ keepSeconds: daySeconds }, 2.5);
    await expect(run("verify")).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringContaining("PREVIEW_PUBLIC_KEYS: set it as in the Slack process."),
    });
  });

  test("does not call an export whole that begins after the anchor", async () => {
    await days(3);
    const [first] = await log.events(1, 1);
    const posted = formatAnchor({ count: 1, hash: first?.hash ?? "" });
    const { stdout } = await run("export", "--from", "3");

    const verified = await runCommand(audit, ["verify", "--file", "-", "--anchor", posted], { stdin: stdout });

    expect(verified).toMatchObject({ code: 2, stderr: expect.stringContaining("Export again with --from 1.") });
  });

  test("exports from any event on, and shows the events of one request", async () => {
    await days(3);

    expect((await run("export", "--from", "3")).stdout).toContain('"sequence":3');
    expect((await run("export", "--from", "3")).stdout.trim().split("\n").length).toBe(1);
    expect(JSON.parse((await run("show", "--request", "r-2")).stdout)).toMatchObject({ sequence: 2, request: "r-2" });
  });

  test.each([
    [[], "Give verify, export, show, review or erase."],
    [["verify", "--format", "jsonl"], "verify takes no --format."],
    [["verify", "--anchor", "12"], "Give an anchor as COUNT:HASH"],
    [["export", "--format", "xml"], "Give --format as jsonl or cloudevents."],
    [["export", "--from", "0"], "Give --from as the number of an event."],
    [["verify", "--file", "no-such-file"], "no such file"],
  ])("answers %j with what is wrong", async (argv, message) => {
    const { code, stderr } = await run(...argv);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test("names the line of a file that is not of an export", async () => {
    const { code, stderr } = await runCommand(audit, ["verify", "--file", "-"], { stdin: '\n{"a":1}\n' });

    expect([code, stderr]).toEqual([2, "eks-access audit: Line 2 is no exported event.\n"]);
  });
});
