import type { Cluster } from "ioredis";
import { expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { eventOf } from "../../src/ledger/lifecycle.ts";
import { aMigration } from "../builders/a-migration.ts";
import { at, hours } from "../builders/times.ts";
import { aRedis } from "../redis.ts";

test("reading the migrations of many clusters takes one or two answers of Redis", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const { migrations, commit, due } = redisLedger(redis);
  for (let number = 0; number < 40; number += 1) {
    const after = aMigration({ id: `migration-c${number}-1`, cluster: `c${number}` });
    await commit({ after, event: eventOf("migration.asked", after, after.requester, at(0)) });
  }
  await Promise.all([migrations.open(), due(at(hours(9)), 100)]);
  const sent: string[] = [];
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...all: Parameters<Cluster["sendCommand"]>) => {
    sent.push(all[0].name);
    return send(...all);
  };

  const found = await Promise.all([migrations.open(), due(at(hours(9)), 100)]);

  await close();
  await database.close();
  expect(found.map(({ length }) => length)).toEqual([40, 40]);
  expect(sent).toEqual(["evalsha", "evalsha", "evalsha", "evalsha"]);
});
