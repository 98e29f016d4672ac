import type { RedisClient } from "./client.ts";

/** How many records there are of each class. */
export const countsKey = "{eks-access}:counts";
/** How many records of each cluster are open. */
export const openByClusterKey = "{eks-access}:open-by-cluster";

/** The counts that the commits keep (src/redis/commit-script.ts). */
export async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = Object.entries(await redis.hgetall(key));
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}
