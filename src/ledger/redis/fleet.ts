import type { FleetLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { callRedis } from "./explain-redis-error.ts";

const listKey = "{eks-access}:fleet";
const noticesKey = "{eks-access}:notices";
const mostNotices = 100;

/** The fleet, and notices for the operators, on Redis. Who reads them parses them, with their seals. */
export function redisFleet(redis: RedisClient): FleetLedger {
  return {
    fleetAt: () => callRedis(() => redis.hget(listKey, "at")),
    fleet: () => callRedis(async () => parsed(await redis.hget(listKey, "list"))),
    publishFleet: (list) =>
      callRedis(async () => void (await redis.hset(listKey, { at: list.at, list: JSON.stringify(list) }))),
    addNotice: (notice) =>
      callRedis(async () => {
        await redis.lpush(noticesKey, JSON.stringify(notice));
        await redis.ltrim(noticesKey, 0, mostNotices - 1);
      }),
    notices: () => callRedis(async () => (await redis.lrange(noticesKey, 0, mostNotices - 1)).map(parsed)),
  };
}

/** Null: it is not there, or no JSON. */
function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
