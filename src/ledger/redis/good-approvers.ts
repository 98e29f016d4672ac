import type { RedisClient } from "./client.ts";

/** A hash: for each level of each cluster the approvers with which it was good. */
const goodApproversKey = "{eks-access}:good-approvers";

export async function readGoodApprovers(redis: RedisClient): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries(await redis.hgetall(goodApproversKey)));
}

export async function rememberGoodApprovers(redis: RedisClient, good: ReadonlyMap<string, string>): Promise<void> {
  if (good.size > 0) await redis.hset(goodApproversKey, Object.fromEntries(good));
}
