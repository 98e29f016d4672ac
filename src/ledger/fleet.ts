import type { SealedFleetList } from "../access/policy/fleet-list.ts";
import { parseJson } from "../access/seal.ts";
import type { SealedNotice } from "../access/shared-lists.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";

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

export type FleetLedger = ReturnType<typeof redisFleet>;

/** Workers' findings for all processes, and notices for operators. Trust none without its seal. */
export function redisFleet(redis: RedisClient) {
  return {
    /** When the list of the fleet was made, ISO 8601; null: there is none. */
    fleetAt: () => redis.hget(listKey, "at"),
    fleet: async (): Promise<unknown> => parseJson((await redis.hget(listKey, "list")) ?? ""),
    /** With the notice of its changes, at once: who reads of a new cluster finds it in the list. */
    publishFleet: async (list: SealedFleetList, notice: SealedNotice | null): Promise<void> => {
      const texts = [list.at, JSON.stringify(list), ...(notice ? [JSON.stringify(notice)] : [])];
      await runScript(redis, publishFleetScript, [listKey, noticesKey], texts);
    },
    /** Adds a notice for the operators' channel. The newest hundred stay. */
    addNotice: async (notice: SealedNotice): Promise<void> => {
      await redis.lpush(noticesKey, JSON.stringify(notice));
      await redis.ltrim(noticesKey, 0, maxNotices - 1);
    },
    notices: async (): Promise<readonly unknown[]> =>
      (await redis.lrange(noticesKey, 0, maxNotices - 1)).map(parseJson),
  };
}
