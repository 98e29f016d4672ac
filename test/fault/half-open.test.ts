import { expect, test } from "vitest";
import { Faults } from "../../sandbox/faults.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { aRedis } from "../redis.ts";
import { startRedisGate } from "./redis-gate.ts";

test("a connection to Redis that swallows what is sent is given up, and the change is written over a new one", async () => {
  const database = await aRedis();
  const faults = new Faults();
  const address = new URL(database.url);
  const gate = await startRedisGate(Number(address.port), faults);
  const { redis, close } = await connectRedis(`${gate.url}${address.pathname}`);
  // From then on Redis knows the script, and it is not sent a second time with its text.
  await redisLedger(redis).commit(aChange(aRequest({ id: "r-before" })));
  const before = faults.calls("redis.commit");
  faults.plan("redis.commit", { type: "hang" });

  const written = await redisLedger(redis).commit(aChange(aRequest()));

  expect(written).toEqual({ type: "committed" });
  expect(faults.calls("redis.commit") - before).toBe(2);
  await close();
  await gate.stop();
  await database.close();
});
