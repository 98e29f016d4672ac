import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { explain } from "../../../src/access/failure/access-error.ts";
import { connectLedger, connectRedis, migrations, type RedisConnection } from "../../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../../src/ledger/redis/ledger.ts";
import { type Migration, prepareSchema, schemaKey } from "../../../src/ledger/redis/schema.ts";
import { aGrantedRequest, aRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { aRedis, type TestRedis } from "../../redis.ts";
import { asAdministrator } from "./a-ledger-on.ts";

let database: TestRedis;
let connection: RedisConnection;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
});

afterEach(async () => {
  await connection.close();
  await database.close();
});

/** Leaves its name in a list each time it runs. */
const aMigration = (name: string): Migration => ({
  name,
  script: `redis.call('RPUSH', '{eks-access}:ran', '${name}')`,
});
const three = [aMigration("first"), aMigration("second"), aMigration("third")];

const ran = () => connection.redis.lrange("{eks-access}:ran", 0, -1);
const version = () => connection.redis.get(schemaKey);

test("an empty ledger gets the newest schema, step by step in order", async () => {
  await prepareSchema(connection.redis, three);

  expect(await ran()).toEqual(["first", "second", "third"]);
  expect(await version()).toBe("3");
});

test("an older ledger gets the steps that it lacks, and a second start adds nothing", async () => {
  await prepareSchema(connection.redis, three.slice(0, 1));

  await prepareSchema(connection.redis, three);
  await prepareSchema(connection.redis, three);

  expect(await ran()).toEqual(["first", "second", "third"]);
});

test("processes that start at once run each step once", async () => {
  const processes = await Promise.all(Array.from({ length: 8 }, () => connectRedis(database.url)));

  await Promise.all(processes.map(({ redis }) => prepareSchema(redis, three)));
  await Promise.all(processes.map(({ close }) => close()));

  expect(await ran()).toEqual(["first", "second", "third"]);
  expect(await version()).toBe("3");
});

test("a step that breaks is told by its name, leaves the version, and is run again at the next start", async () => {
  const broken = { name: "a new index", script: "redis.call('HGET', KEYS[1], 'not a hash')" };
  const failure = await prepareSchema(connection.redis, [aMigration("first"), broken]).catch((error: unknown) => error);
  const after = await version();

  await prepareSchema(connection.redis, [aMigration("first"), aMigration("mended")]);

  expect(explain(failure)).toContain("could not be brought to version 2: a new index (WRONGTYPE");
  expect(after).toBe("1");
  expect(await ran()).toEqual(["first", "mended"]);
});

test.each(["4", "x", "-1", "1.5"])(
  "a ledger of the unknown schema %s is left alone, and what to do is told",
  async (unknown) => {
    await connection.redis.set(schemaKey, unknown);

    const failure = await prepareSchema(connection.redis, three).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "ledger-newer", retryable: false });
    expect(explain(failure)).toContain(`has schema ${unknown}, and this eks-access knows no newer one than 3.`);
    expect(await version()).toBe(unknown);
    expect(await ran()).toEqual([]);
  },
);

test("a process that starts on a ledger of before versions were counted brings it up to date, and keeps what is in it", async () => {
  await connection.redis.set("{eks-access}:principals", "as it was");

  const started = await connectLedger(database.url);
  await started.close();

  expect(await version()).toBe(String(migrations.length));
  expect(await connection.redis.get("{eks-access}:principals")).toBe("as it was");
});

test("a process that does not know the schema does not start, and keeps no connection open", async () => {
  await connection.redis.set(schemaKey, "99");
  const before = await clients();

  const failure = await connectLedger(database.url).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-newer" });
  await expect.poll(clients).toBe(before);
});

/** How many connections there are to this test's database; the one that asks is another's. */
async function clients(): Promise<number> {
  const own = new URL(database.url).pathname.slice(1);
  const list = await asAdministrator(inject("redisUrl"), (redis) => redis.client("LIST"));
  return String(list)
    .split("\n")
    .filter((line) => line.includes(` db=${own} `)).length;
}

test("a ledger of before there were lists has all of them afterwards, as if they had always been there", async () => {
  const ledger = redisLedger(connection.redis);
  const records = [
    aRequest(),
    aRequest({ id: "r-2", requester: "U0ONCALL", createdAt: "2024-02-29T23:59:59.999Z" }),
    { ...aGrantedRequest({ state: "active", endsAt: "2027-01-01T00:00:00.001Z" }), id: "r-3", version: 1 },
    { ...aGrantedRequest({ state: "ended", endedAt: at(1).toISOString() }), id: "r-4", version: 1 },
  ];
  for (const record of records) await ledger.commit(aChange(record));
  await ledger.commit(aChange({ ...aRequest(), version: 2, state: "denied" }, "request.denied"));
  const { redis } = connection;
  const lists = async () => {
    const keys = (await redis.keys("{eks-access}:*")).filter((key) => /-of-(cluster|person):/.test(key)).sort();
    return Promise.all(keys.map(async (key) => [key, await redis.zrange(key, "0", "-1", "WITHSCORES")]));
  };
  const logs = () => Promise.all(records.map(({ id }) => redis.lrange(`{eks-access}:log:${id}`, 0, -1)));
  const before = { lists: await lists(), logs: await logs() };
  await redis.del(...(await redis.keys("{eks-access}:*-of-*")), ...(await redis.keys("{eks-access}:log:*")));
  await redis.set(schemaKey, "1");

  await prepareSchema(redis, migrations);
  const once = { lists: await lists(), logs: await logs() };
  await redis.set(schemaKey, "1");
  await prepareSchema(redis, migrations);

  expect(before.lists).toHaveLength(5);
  expect(once).toEqual(before);
  expect({ lists: await lists(), logs: await logs() }).toEqual(before);
});

test("a ledger of before records were counted has the counts afterwards, as if they had always been kept", async () => {
  const ledger = redisLedger(connection.redis);
  const end = (cause: "expired" | "revoked" | "replayed") => ({
    cause,
    by: "worker",
    at: at(1).toISOString(),
    why: "",
  });
  const records = [
    aRequest(),
    aRequest({ id: "r-2", cluster: "production" }),
    aRequest({ id: "r-3", state: "refused", refusal: { code: "any", message: "No." } }),
    aGrantedRequest({ state: "scheduled" }, { id: "r-4" }),
    aGrantedRequest({ state: "active", end: end("revoked") }, { id: "r-5" }),
    aGrantedRequest({ state: "failed", failure: { code: "any", message: "No." } }, { id: "r-6" }),
    ...(["expired", "revoked", "replayed"] as const).map((cause) =>
      aGrantedRequest({ state: "ended", end: end(cause) }, { id: `r-${cause}` }),
    ),
  ];
  for (const record of records) await ledger.commit(aChange({ ...record, version: 1 }));
  const { redis } = connection;
  const read = async () => ({
    counts: Object.fromEntries(await ledger.counts()),
    open: Object.fromEntries(await ledger.openByCluster()),
    classes: await Promise.all(records.map(({ id }) => redis.hget(`{eks-access}:request:${id}`, "class"))),
  });
  const kept = await read();
  // The log forgets the oldest of them; the lists of the cluster do not.
  await redis.xtrim("{eks-access}:events", "MINID", "4-0");
  await redis.del("{eks-access}:counts", "{eks-access}:open-by-cluster");
  for (const { id } of records) await redis.hdel(`{eks-access}:request:${id}`, "class");

  const readAfterMigration = async () => {
    await redis.set(schemaKey, "2");
    await prepareSchema(redis, migrations);
    return read();
  };
  const [once, twice] = [await readAfterMigration(), await readAfterMigration()];

  expect(kept.counts).toMatchObject({ pending: 2, refused: 1, "approved/active": 1, "approved/ended/replayed": 1 });
  const without = { ...kept, counts: { ...kept.counts, pending: 1 }, open: { staging: 3 } };
  expect(once).toEqual({ ...without, classes: kept.classes.with(1, null) });
  expect(twice).toEqual(once);
});
