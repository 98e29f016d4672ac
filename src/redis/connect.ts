import { Redis } from "ioredis";
import { AccessError } from "../failure/access-error.ts";

export interface RedisConnection {
  readonly redis: Redis;
  close: () => Promise<void>;
}

/**
 * A connection that fails at once while Redis is down, so that an ack to Slack is never late, and comes back by itself.
 * @throws AccessError `ledger-unreachable` where there is no Redis at the start.
 */
export async function connectRedis(url: string): Promise<RedisConnection> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 3_000,
    commandTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  });
  // Each failed command tells its caller; without a listener ioredis would print the connection errors besides.
  redis.on("error", () => {});
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new AccessError("ledger-unreachable", `There is no answer from Redis at ${withoutPassword(url)}`, {
      cause: error,
    });
  }
  return { redis, close: async () => void redis.disconnect() };
}

/** A worker's connection to its queue blocks while it waits, and therefore must never give up. */
export function connectRedisBlocking(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    connectTimeout: 3_000,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  });
  redis.on("error", () => {});
  return redis;
}

function withoutPassword(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "REDIS_URL";
  }
}
