import type { SealedFleetList } from "../access/policy/fleet-list.ts";
import { parseJson } from "../access/seal.ts";
import type { SealedNotice } from "../access/shared-lists.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";

/** Workers' findings for all processes, and notices for operators. Trust none without its seal. */
export interface FleetLedger {
  /** When the list of the fleet was made, ISO 8601; null: there is none. */
  fleetAt(): Promise<string | null>;
  fleet(): Promise<unknown>;
  /** With the notice of its changes, at once: who reads of a new cluster finds it in the list. */
  publishFleet(list: SealedFleetList, notice: SealedNotice | null): Promise<void>;
  /** Adds a notice for the operators' channel. The newest hundred stay. */
  addNotice(notice: SealedNotice): Promise<void>;
  notices(): Promise<readonly unknown[]>;
}

const listKey = "{eks-access}:fleet";
const noticesKey = "{eks-access}:notices";
const maxNotices = 100;

/** KEYS: the list, the notices. ARGV: when the list was made, the list, and its notice if there is one. */
const publishFleetScript = scriptOf(`
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'list', ARGV[2])
if ARGV[3] then
  redis.call('LPUSH', KEYS[2], ARGV[3])
  redis.call('LTRIM', KEYS[2], 0, ${maxNotices - 1})
end
`);

/** The fleet, and notices for the operators, on Redis. Their readers parse them and verify their seals. */
export function redisFleet(redis: RedisClient): FleetLedger {
  return {
    fleetAt: () => redis.hget(listKey, "at"),
    fleet: async () => parseJson((await redis.hget(listKey, "list")) ?? ""),
    publishFleet: async (list, notice) => {
      const texts = [list.at, JSON.stringify(list), ...(notice ? [JSON.stringify(notice)] : [])];
      await runScript(redis, publishFleetScript, [listKey, noticesKey], texts);
    },
    addNotice: async (notice) => {
      await redis.lpush(noticesKey, JSON.stringify(notice));
      await redis.ltrim(noticesKey, 0, maxNotices - 1);
    },
    notices: async () => (await redis.lrange(noticesKey, 0, maxNotices - 1)).map(parseJson),
  };
}
