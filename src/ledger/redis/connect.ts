import { AccessError } from "../../access/failure/access-error.ts";
import { type ClientOptions, openClient, type RedisAccess, type RedisClient } from "./client.ts";
import { unreachable } from "./explain-redis-error.ts";
import { addressInWords, type RedisAddress, readRedisUrl } from "./redis-url.ts";
import { expectSchema } from "./schema.ts";

export interface RedisConnection {
  readonly redis: RedisClient;
  close: () => Promise<void>;
}

export interface LedgerConnection extends RedisConnection {
  readonly forQueues: RedisClient;
}

/** How long the first connection may take where nobody answers, nor refuses. */
const startWithinMs = 5_000;

/**
 * A connection that fails at once while Redis is down, so that an ack to Slack is never late, and comes back by itself.
 * @throws AccessError `ledger-unreachable` where there is no Redis at the start, `ledger-refused` where it turns us away,
 * `config-invalid` for an address or a certificate that can't be read.
 */
export async function connectRedis(
  url: string,
  access: RedisAccess = {},
  { gathers = true }: Pick<ClientOptions, "gathers"> = {},
): Promise<RedisConnection> {
  const address = addressOf(url);
  const redis = openClient(address, access, { patience: "fails-fast", gathers });
  const reasons: unknown[] = [];
  // Told beside the rejection, which may be no more than "Connection is closed": of Cluster nodes and Sentinels too.
  const note = (error: unknown) => void reasons.push(error);
  for (const event of ["error", "node error", "sentinelError"]) redis.on(event, note);
  try {
    await Promise.race([redis.connect(), ready(redis), firstError(redis), timeout(startWithinMs)]);
  } catch (error) {
    redis.disconnect();
    throw unreachable(addressInWords(address), [...reasons, error]);
  }
  for (const event of ["node error", "sentinelError"]) redis.off(event, note);
  ignoreErrors(redis);
  redis.off("error", note);
  return { redis, close: async () => void redis.disconnect() };
}

/**
 * The connection of a process that writes the ledger: as `connectRedis`, and only to a ledger of this program's schema.
 * @throws AccessError as `connectRedis`, and `ledger-schema`
 */
export async function connectLedger(url: string, access: RedisAccess = {}): Promise<LedgerConnection> {
  const connection = await connectRedis(url, access);
  try {
    await expectSchema(connection.redis);
    const queues = await connectRedis(url, access, { gathers: false });
    const close = async () => void (await Promise.all([connection.close(), queues.close()]));
    return { redis: connection.redis, forQueues: queues.redis, close };
  } catch (error) {
    // An open connection would keep the process alive that was to end with this error.
    await connection.close();
    throw error;
  }
}

/** A worker's connection to its queue blocks while it waits, and therefore must never give up. */
export function connectRedisBlocking(url: string, access: RedisAccess = {}): RedisClient {
  const redis = openClient(addressOf(url), access, { patience: "waits" });
  ignoreErrors(redis);
  return redis;
}

function addressOf(url: string): RedisAddress {
  const reading = readRedisUrl(url);
  if (reading.type === "invalid") throw new AccessError("config-invalid", `REDIS_URL: ${reading.problem}`);
  return reading.address;
}

/** Each failed command tells its caller; without a listener ioredis would print the connection errors besides. */
function ignoreErrors(redis: RedisClient): void {
  redis.on("error", () => {});
}

/** Of a Redis Cluster that is not whole yet ioredis tries again, and forgets the promise of its first try. */
function ready(redis: RedisClient): Promise<void> {
  return new Promise((resolve) => redis.once("ready", () => resolve()));
}

/** By way of Sentinels ioredis would try again for ever before it rejects. */
function firstError(redis: RedisClient): Promise<never> {
  return new Promise((_, reject) => redis.once("error", reject));
}

function timeout(ms: number): Promise<never> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
