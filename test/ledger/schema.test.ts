import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { explainFailure } from "../../src/access/access-error.ts";
import {
  connectLedger,
  connectRedis,
  expectSchema,
  type RedisConnection,
  schema,
  schemaKey,
} from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues, wake } from "../../src/ledger/queues.ts";
import { storedForms } from "../../src/ledger/stored.ts";
import { aRedis, type TestRedis } from "../redis.ts";
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

const marked = () => connection.redis.get(schemaKey);

test("processes that start at once on an empty ledger mark it with the one schema", async () => {
  const processes = await Promise.all(Array.from({ length: 8 }, () => connectLedger(database.url)));
  await Promise.all(processes.map(({ close }) => close()));

  expect(await marked()).toBe(schema);
});

test("the queues have a connection of their own: each write of the ledger would carry all the scripts of BullMQ", async () => {
  const { redis, forQueues, close } = await connectLedger(database.url);
  const before = Object.keys(redis).length;
  const queues = openQueues(forQueues);

  await wake(queues, { type: "reconcile", cluster: "staging" });

  expect(Object.keys(redis)).toHaveLength(before);
  expect([redis.options.enableAutoPipelining, forQueues.options.enableAutoPipelining]).toEqual([true, false]);
  await queues.close();
  await close();
});

test("a process that starts on a ledger of its schema keeps what is in it", async () => {
  await connection.redis.set("{eks-access}:principals", "as it was");
  await expectSchema(connection.redis);

  await expectSchema(connection.redis);

  expect(await marked()).toBe(schema);
  expect(await connection.redis.get("{eks-access}:principals")).toBe("as it was");
});

test("a ledger that is emptied under running processes has their schema again, so no other version starts beside them", async () => {
  const { redis, close } = await connectLedger(database.url);
  await redis.flushdb();

  await redisLedger(redis).newServer();
  await close();

  expect(await marked()).toBe(schema);
});

test.each(["0", String(Number(schema) - 1), String(Number(schema) + 1), "x", "-1", "1.5", ""])(
  "a ledger of the other schema '%s' is refused and left alone",
  async (other) => {
    await connection.redis.set(schemaKey, other);

    const failure = await expectSchema(connection.redis).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "ledger-schema", retryable: false });
    expect(explainFailure(failure)).toContain(
      `The ledger in Redis has schema ${other}, and this eks-access needs ${schema}.`,
    );
    expect(await marked()).toBe(other);
  },
);

test("a process that does not know the schema does not start, and keeps no connection open", async () => {
  await connection.redis.set(schemaKey, "99");
  const before = await clients();

  const failure = await connectLedger(database.url).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-schema" });
  await expect.poll(clients).toBe(before);
});

test("a form of what Redis keeps changes with the schema: an older process would call a newer record unreadable", () => {
  const forms = Object.entries(storedForms).map(([kind, form]) => [
    kind,
    z.toJSONSchema(form, { unrepresentable: "any" }),
  ]);

  const digest = createHash("sha256").update(JSON.stringify(forms)).digest("hex").slice(0, 12);

  // Raise the schema before you put a new digest here.
  expect({ schema, digest }).toEqual({ schema: "10", digest: "5645cfb6e079" });
});

/** How many connections there are to this test's database; the one that asks is another's. */
async function clients(): Promise<number> {
  const own = new URL(database.url).pathname.slice(1);
  const list = await asAdministrator(inject("redisUrl"), (redis) => redis.client("LIST"));
  return String(list)
    .split("\n")
    .filter((line) => line.includes(` db=${own} `)).length;
}
