import type { Cluster } from "ioredis";
import { expect, test } from "vitest";
import { moveEvent } from "../../../src/ledger/record-move.ts";
import { connectRedis } from "../../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../../src/ledger/redis/ledger.ts";
import { aMove } from "../../builders/a-move.ts";
import { at, hours } from "../../builders/times.ts";
import { aRedis } from "../../redis.ts";

test("the moves of many clusters cost Redis an answer or two, and not one for each", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const { moves } = redisLedger(redis);
  for (let number = 0; number < 40; number += 1) {
    const after = aMove({ id: `migration-c${number}-1`, cluster: `c${number}` });
    await moves.commit({ after, event: moveEvent("migration.asked", after, after.requester, at(0)) });
  }
  await Promise.all([moves.open(), moves.due(at(hours(9)), 100)]);
  const sent: string[] = [];
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...all: Parameters<Cluster["sendCommand"]>) => {
    sent.push(all[0].name);
    return send(...all);
  };

  const found = [await moves.open(), await moves.due(at(hours(9)), 100)];

  await close();
  await database.close();
  expect(found.map(({ length }) => length)).toEqual([40, 40]);
  expect(sent).toEqual(["evalsha", "zrangebyscore", "evalsha"]);
});
