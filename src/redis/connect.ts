import { AccessError } from "../failure/access-error.ts";
import { openClient, type RedisAccess, type RedisClient } from "./client.ts";
import { unreachable } from "./explain-redis-error.ts";
import { placeOf, type RedisAddress, readRedisUrl } from "./redis-url.ts";

export interface RedisConnection {
  readonly redis: RedisClient;
  close: () => Promise<void>;
}

/** How long the first connection may take: by way of Sentinels nobody else would give up. */
const startWithinMs = 5_000;

/**
 * A connection that fails at once while Redis is down, so that an ack to Slack is never late, and comes back by itself.
 * @throws AccessError `ledger-unreachable` where there is no Redis at the start, `config-invalid` for an address or a
 * certificate that can't be read.
 */
export async function connectRedis(url: string, access: RedisAccess = {}): Promise<RedisConnection> {
  const address = addressOf(url);
  const redis = openClient(address, access, "fails-fast");
  let reason: unknown;
  // What is told here says more than the rejection, which may be "Connection is closed".
  for (const event of ["error", "node error", "sentinelError"]) {
    redis.on(event, (error: unknown) => {
      reason = error;
    });
  }
  try {
    await within(startWithinMs, redis.connect());
  } catch (error) {
    redis.disconnect();
    throw unreachable(placeOf(address), reason ?? error);
  }
  return { redis, close: async () => void redis.disconnect() };
}

/** A worker's connection to its queue blocks while it waits, and therefore must never give up. */
export function connectRedisBlocking(url: string, access: RedisAccess = {}): RedisClient {
  const redis = openClient(addressOf(url), access, "waits");
  // It connects again and again; without a listener ioredis would print each failure.
  redis.on("error", () => {});
  return redis;
}

function addressOf(url: string): RedisAddress {
  const reading = readRedisUrl(url);
  if (reading.type === "invalid") throw new AccessError("config-invalid", `REDIS_URL: ${reading.problem}`);
  return reading.address;
}

function within(ms: number, work: Promise<void>): Promise<void> {
  const timeout = AbortSignal.timeout(ms);
  return Promise.race([
    work,
    new Promise<never>((_, reject) => timeout.addEventListener("abort", () => reject(timeout.reason))),
  ]);
}
