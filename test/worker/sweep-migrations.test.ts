import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planReminders } from "../../src/access/lists.ts";
import type { Migration } from "../../src/access/migration.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { eventOf } from "../../src/ledger/lifecycle.ts";
import { openQueues, type Queues } from "../../src/ledger/queues.ts";
import { FailureLog } from "../../src/operations/log.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { sweep } from "../../src/worker/sweep.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aMigration, aPlannedMigration, reviseMigration } from "../builders/a-migration.ts";
import { keys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let redis: Awaited<ReturnType<typeof connectRedis>>;
let queues: Queues;
let ledger: Ledger;

beforeEach(async () => {
  database = await aRedis();
  redis = await connectRedis(database.url);
  queues = openQueues(redis.redis);
  ledger = redisLedger(redis.redis);
});
afterEach(async () => {
  await queues.close();
  await redis.close();
  await database.close();
});

const id = "migration-staging-1";
const waiting = aPlannedMigration({
  reminders: planReminders(at(0), at(hours(24)).toISOString(), [minutes(15), hours(1), hours(4)]),
});

function contextAt(now: Date, own: Ledger = ledger): WorkerContext {
  const config = configOf(configText);
  const log = pino({ level: "silent" });
  return { ledger: own, queues, log, failures: new FailureLog(log), config, keys, now: () => now };
}
const put = (after: Migration) => ledger.commit({ after, event: eventOf("migration.planned", after, "worker", at(0)) });
const toldNow = async () =>
  (await ledger.eventsOf(id, 99)).slice(1).map(({ event: { type, at: when } }) => [type, when]);
const jobsOf = async (queue: keyof Pick<Queues, "clusters" | "messages">) =>
  (await queues[queue].getJobs(["waiting"])).map(({ data }) => data);

test("a migration of a cluster that left the configuration wakes no worker", async () => {
  await put(aPlannedMigration({ id: "migration-gone-1", cluster: "gone", state: "running" }));
  await put(aPlannedMigration({ state: "running" }));

  await sweep(contextAt(at(1)));

  const looks = (await jobsOf("clusters")).filter(({ type }) => type === "migration");
  expect(looks).toEqual([{ type: "migration", cluster: "staging" }]);
});

describe("a migration that waits for a decision", () => {
  test("is reminded of as a request is, each time with an event, and expires in the end, without a look at its cluster", async () => {
    await put(waiting);

    for (const seconds of [
      minutes(14),
      minutes(15),
      minutes(16),
      hours(1),
      hours(4),
      hours(23),
      hours(24),
      hours(25),
    ]) {
      await sweep(contextAt(at(seconds)));
    }

    expect(await toldNow()).toEqual([
      ["migration.reminded", at(minutes(15)).toISOString()],
      ["migration.reminded", at(hours(1)).toISOString()],
      ["migration.reminded", at(hours(4)).toISOString()],
      ["migration.expired", at(hours(24)).toISOString()],
    ]);
    expect(await ledger.migrations.get(id)).toMatchObject({ state: "expired", endedAt: at(hours(24)).toISOString() });
    expect(await jobsOf("clusters")).not.toContainEqual({ type: "migration", cluster: "staging" });
  });

  test("is reminded of once where two workers sweep at the same time", async () => {
    await put(waiting);

    await Promise.all([1, 2].map(() => sweep(contextAt(at(minutes(15))))));

    expect((await ledger.migrations.get(id))?.reminders?.sent).toBe(1);
  });

  test("is reminded of once where the worker is killed after it has written that, and the messenger is woken by the next one", async () => {
    await put(waiting);
    await ledger.markShown(id, { version: 1, message: null, copies: [], direct: null, milestones: [] });
    const commit: Ledger["commit"] = async (change) => {
      await ledger.commit(change);
      throw new Error("killed");
    };
    const dying = { ...ledger, commit };

    await expect(sweep(contextAt(at(minutes(15)), dying))).rejects.toThrow("killed");
    const before = await jobsOf("messages");
    await sweep(contextAt(at(minutes(15) + 1)));

    expect(before).toEqual([]);
    expect(await jobsOf("messages")).toEqual([{ type: "show", record: id }]);
    expect((await ledger.migrations.get(id))?.reminders?.sent).toBe(1);
  });

  test("is not expired or reminded of where a person decides at the same moment", async () => {
    await put(waiting);
    const found = await ledger.due(at(hours(24)), 9);
    await put(reviseMigration(waiting, { state: "running" }));
    const late = { ...ledger, due: async () => found };

    await sweep(contextAt(at(hours(24)), late));

    expect(await ledger.migrations.get(id)).toMatchObject({ state: "running", version: 2 });
  });
});

test.each([
  ["has no plan yet", aMigration(), at(hours(1))],
  [
    "is carried out, also when nobody could approve it any more",
    aPlannedMigration({ state: "running" }),
    at(hours(25)),
  ],
])("the sweep looks at the cluster of a migration that %s", async (_, migration, now) => {
  await put(migration);

  await sweep(contextAt(now));

  expect(await jobsOf("clusters")).toContainEqual({ type: "migration", cluster: "staging" });
  expect(await toldNow()).toEqual([]);
});
