import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { permanentSeconds } from "../../src/access/lease/lease-record.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger, redisRequestTraces } from "../../src/ledger/ledger.ts";
import { removeClosed } from "../../src/worker/remove-closed.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aMigration } from "../builders/a-migration.ts";
import { aLease, aLeasedRequest, aRequest, revise } from "../builders/a-request.ts";
import { anEmergency } from "../builders/an-emergency.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { at, hours } from "../builders/times.ts";
import { redisOfOurOwn } from "../fault/own-redis.ts";
import { isLong } from "../form.ts";
import { aRedis, type TestRedis } from "../redis.ts";

const days = (count: number) => hours(24 * count);
const aTrace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;

let database: TestRedis;
let connection: Awaited<ReturnType<typeof connectRedis>>;
let ledger: Ledger;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  ledger = redisLedger(connection.redis);
});

afterEach(async () => {
  await connection.close();
  await database.close();
});

/** A worker of that time. */
function workerAt(seconds: number, settings = "", of: Ledger = ledger) {
  const config = configOf(`${configText}\n${settings}`);
  return { ledger: of, config, keys, log: pino({ level: "silent" }), now: () => at(seconds) };
}

/** Commits a record with a message that shows it, as a closed one has. */
async function shown(request: AccessRequest): Promise<AccessRequest> {
  await ledger.commit(aChange(request));
  await ledger.markShown(request.id, {
    version: request.version,
    message: null,
    copies: [],
    direct: null,
    milestones: [],
  });
  return request;
}

/** A denied request, which expires a day after it was made. */
const denied = (id: string) => aRequest({ id, state: "denied", denial: null });

describe("a closed record", () => {
  test("is removed when it is kept for as long as the configuration says, 90 days by default, and not before", async () => {
    await shown(denied("r-1"));

    const early = await removeClosed(workerAt(days(91) - 1));
    const late = await removeClosed(workerAt(days(91)));

    expect([early, late]).toEqual([0, 1]);
    expect(await ledger.get("r-1")).toBeNull();
  });

  test("is removed also where a person wrote it past the commits, so that it is in no list", async () => {
    const { redis } = connection;
    await shown(denied("r-1"));
    await redis.zrem("{eks-access}:closed", "r-1");
    await redis.set("{eks-access}:record:r-text", "no record");

    const removed = await removeClosed(workerAt(days(92)));

    expect(removed).toBe(1);
    expect(await ledger.get("r-1")).toBeNull();
  });

  test("leaves nothing in Redis but its events and where to find them", async () => {
    await shown(aLeasedRequest({ state: "ended" }, { version: 1, extends: "r-0" }));
    await ledger.addThreadEntries("r-1", ["active"]);
    await redisRequestTraces(connection.redis).remember("r-1", aTrace);

    await removeClosed(workerAt(days(92)));

    const rest = [...(await everything())].filter(([key, value]) => `${key} ${value}`.includes("r-1"));
    expect(rest.map(([key]) => key).toSorted()).toEqual(["{eks-access}:events", "{eks-access}:log:r-1"]);
  });

  test("is found in the audit log for as long as its events are kept", async () => {
    await shown(denied("r-1"));

    await removeClosed(workerAt(days(91), "audit: { keep: 400d }"));

    const lasts = await connection.redis.pttl("{eks-access}:log:r-1");
    expect(await ledger.eventsOf("r-1", 10)).toHaveLength(1);
    expect(lasts).toBeGreaterThan(399 * 86_400_000);
    expect(lasts).toBeLessThanOrEqual(400 * 86_400_000);
  });

  const revoked = (durationSeconds: number) => {
    const end = { cause: "revoked", by: "U0APPROVER", at: at(300).toISOString(), why: "" } as const;
    const times = { endsAt: at(durationSeconds).toISOString(), endedAt: at(330).toISOString() };
    return aLeasedRequest(
      { state: "ended", end, ...times },
      { version: 1, durationSeconds, expiresAt: at(hours(1)).toISOString() },
    );
  };

  test("of a lease that was revoked stays until its approved time is over, because a backup of the cluster may speak for it", async () => {
    await shown(revoked(hours(8)));

    const early = await removeClosed(workerAt(days(90) + hours(8) + 119));
    const late = await removeClosed(workerAt(days(90) + hours(8) + 120));

    expect([early, late]).toEqual([0, 1]);
    expect(await ledger.isPermanentLeaseOver("r-1")).toBe(false);
  });

  test("of a permanent lease that was revoked goes too, and its id alone stays to say so for ever", async () => {
    await shown(revoked(permanentSeconds));

    const early = await removeClosed(workerAt(days(90) + hours(1) - 1));
    const late = await removeClosed(workerAt(days(90) + hours(1)));

    const rest = [...(await everything())].filter(([, value]) => value.includes("r-1")).map(([key]) => key);
    expect([early, late]).toEqual([0, 1]);
    expect(await ledger.isPermanentLeaseOver("r-1")).toBe(true);
    expect(rest.toSorted()).toEqual(["{eks-access}:events", "{eks-access}:over-for-good"]);
  });

  test("of an emergency stays until it is reviewed, also where a person wrote a review into Redis", async () => {
    const review = { by: "U0APPROVER", at: at(hours(2)).toISOString(), seal: "00000000.forged" };
    const emergency = anEmergency();
    const lease = aLease(emergency.lease, { state: "ended", endedAt: at(hours(1)).toISOString() });
    await shown({
      ...emergency,
      version: 1,
      lease,
      emergency: { ...emergency.emergency, review },
    });

    expect(await removeClosed(workerAt(days(400)))).toBe(0);
    expect(await ledger.get("r-1")).not.toBeNull();
  });

  test("that can't be removed now does not come before the others, and gets another look a day later", async () => {
    const hundred = Array.from({ length: 100 }, (_, index) => denied(`r-${index}`));
    await Promise.all(hundred.map((request) => ledger.commit(aChange(request))));
    await shown({ ...denied("r-last"), expiresAt: at(days(1) + 1).toISOString() });

    const first = await removeClosed(workerAt(days(92)));
    await Promise.all(
      hundred.map(({ id }) =>
        ledger.markShown(id, { version: 1, message: null, copies: [], direct: null, milestones: [] }),
      ),
    );
    const sameDay = await removeClosed(workerAt(days(92) + hours(23)));
    const nextDay = await removeClosed(workerAt(days(93)));

    expect([first, sameDay, nextDay]).toEqual([1, 0, 100]);
  });
});

test("closed migrations are removed but for the newest of a cluster, after which the next one is numbered", async () => {
  for (const number of [1, 2, 3]) {
    const migration = aMigration({
      id: `migration-staging-${number}`,
      state: "denied",
      expiresAt: at(3600).toISOString(),
    });
    await ledger.commit({
      after: migration,
      event: anEvent({ type: "migration.asked", request: migration.id }),
    });
    await ledger.markShown(migration.id, { version: 1, message: null, copies: [], direct: null, milestones: [] });
  }

  const removed = await removeClosed(workerAt(days(92)));

  expect(removed).toBe(2);
  expect((await ledger.migrations.latestOf("staging"))?.id).toBe("migration-staging-3");
});

test("a closed migration that a person wrote past the commits, so that it is in no list, is removed too", async () => {
  const { redis } = connection;
  for (const number of [1, 2]) {
    const expiresAt = at(3600).toISOString();
    const after = aMigration({ id: `migration-staging-${number}`, state: "denied", expiresAt });
    await ledger.commit({ after, event: anEvent({ type: "migration.asked", request: after.id }) });
    await ledger.markShown(after.id, { version: 1, message: null, copies: [], direct: null, milestones: [] });
  }
  await redis.zrem("{eks-access}:closed", "migration-staging-1", "migration-staging-2");
  await redis.set("{eks-access}:record:migration-text-1", "no record");

  const removed = await removeClosed(workerAt(days(92)));

  expect(removed).toBe(1);
  expect(await ledger.migrations.get("migration-staging-1")).toBeNull();
});

describe("when something comes between", () => {
  test("a person's change of a record during a look stays", async () => {
    const request = await shown(denied("r-1"));
    const changed = revise(request, { expiresAt: at(days(50)).toISOString() });
    const meanwhile: Ledger = {
      ...ledger,
      remove: async (...given) => {
        await shown(changed);
        return ledger.remove(...given);
      },
    };

    const removed = await removeClosed(workerAt(days(92), "", meanwhile));

    expect(removed).toBe(0);
    expect(await ledger.get("r-1")).toEqual(changed);
  });

  test("two workers at once remove each record once, and the counts are right", async () => {
    for (let index = 0; index < 250; index += 1) await shown(denied(`r-${index}`));
    await shown(aLeasedRequest({ state: "active" }, { id: "r-active", version: 1 }));

    const removed = await Promise.all([removeClosed(workerAt(days(92))), removeClosed(workerAt(days(92)))]);

    expect(removed[0] + removed[1]).toBe(250);
    expect([...(await ledger.counts())]).toEqual([["approved/active", 1]]);
  });

  test.each(["before", "after"])(
    "a worker that dies %s a record is removed leaves all others whole, and they go a day later",
    async (moment) => {
      for (const id of ["r-1", "r-2", "r-3"]) await shown(denied(id));
      const dies: Ledger = {
        ...ledger,
        remove: async (request, logForMs) => {
          if (request.id === "r-2" && moment === "after") await ledger.remove(request, logForMs);
          if (request.id === "r-2") throw new Error("the process was killed");
          return ledger.remove(request, logForMs);
        },
      };

      await expect(removeClosed(workerAt(days(92), "", dies))).rejects.toThrow("killed");
      const left = (await Promise.all(["r-1", "r-2", "r-3"].map((id) => ledger.get(id)))).map(
        (each) => each?.id ?? null,
      );
      await removeClosed(workerAt(days(93)));

      expect(left).toEqual([null, moment === "after" ? null : "r-2", "r-3"]);
      expect(await everyRecord()).toEqual([]);
      expect([...(await ledger.counts())]).toEqual([]);
    },
  );
});

/** What is kept of three months, and in the short form as much as two turns remove. */
const many = isLong ? 10_000 : 2_000;

test(`${many} closed records go in bounded turns, and no call keeps Redis from answering others for 100 ms`, async () => {
  const server = await redisOfOurOwn();
  const { redis, close } = await connectRedis(server.url);
  const own = redisLedger(redis);
  await redis.config("SET", "appendfsync", "no");
  for (let from = 0; from < many; from += 500) {
    const part = Array.from({ length: 500 }, (_, index) => denied(`r-${from + index}`));
    await Promise.all(part.map((after) => own.commit({ after, event: null })));
    await Promise.all(
      part.map(({ id }) => own.markShown(id, { version: 1, message: null, copies: [], direct: null, milestones: [] })),
    );
  }
  await redis.config("SET", "slowlog-log-slower-than", "100000");
  await redis.slowlog("RESET");

  const removed: number[] = [];
  for (let turn = 0; turn < many / 1_000; turn += 1) removed.push(await removeClosed(workerAt(days(92), "", own)));

  const slow = await redis.slowlog("GET", "10");
  const left = await redis.keys("{eks-access}:record:*");
  await close();
  await server.stop();
  expect(removed).toEqual(Array.from({ length: many / 1_000 }, () => 1_000));
  expect(left).toEqual([]);
  expect(slow).toEqual([]);
});

async function everyRecord(): Promise<readonly string[]> {
  return connection.redis.keys("{eks-access}:record:*");
}

/** Every key of the database with what it holds. */
async function everything(): Promise<ReadonlyMap<string, string>> {
  const { redis } = connection;
  const names = await redis.keys("*");
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    list: (key) => redis.lrange(key, "0", "-1"),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, "0", "-1"),
    hash: (key) => redis.hgetall(key),
    stream: (key) => redis.xrange(key, "-", "+"),
  };
  const held = names.map(async (key) => [key, JSON.stringify(await read[await redis.type(key)]?.(key))] as const);
  return new Map(await Promise.all(held));
}
