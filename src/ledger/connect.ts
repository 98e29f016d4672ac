import { once } from "node:events";
import { AccessError } from "../access/access-error.ts";
import {
  type ClientOptions,
  keepErrors,
  openClient,
  type RedisAccess,
  type RedisClient,
  unreachable,
  usualConnectTimeoutMs,
} from "./client.ts";
import { addressInWords, type RedisAddress, readRedisUrl } from "./redis-url.ts";

export type RedisConnection = { readonly redis: RedisClient; close: () => Promise<void> };

export type LedgerConnection = RedisConnection & { readonly forQueues: RedisClient };

/** A first connection takes longer: it first asks Sentinels or nodes of a cluster. */
const moreAtStartMs = 2_000;

/**
 * A connection that fails at once while Redis is down, so that an ack to Slack is never late, and reconnects by itself. @throws
 * AccessError `ledger-unreachable`: there is no Redis at the start; `ledger-refused`: it refuses us; `config-invalid`: an address
 * or a certificate can't be read
 */
export async function connectRedis(
  url: string,
  access: RedisAccess = {},
  { gathers = true }: Pick<ClientOptions, "gathers"> = {},
): Promise<RedisConnection> {
  const address = addressOf(url);
  const redis = openClient(address, access, { patience: "fails-fast", gathers });
  const withinMs = (access.connectTimeoutMs ?? usualConnectTimeoutMs) + moreAtStartMs;
  const reasons: unknown[] = [];
  // The rejection can be just "Connection is closed", so collect the errors too, also of Cluster nodes and Sentinels.
  const note = (error: unknown) => void reasons.push(error);
  for (const event of ["error", "node error", "sentinelError"]) redis.on(event, note);
  try {
    // ioredis retries a Redis Cluster that is not whole yet, but forgets the promise of its first try. With Sentinels it would retry
    // for ever: the first error ends this wait.
    await Promise.race([redis.connect(), once(redis, "ready"), timeout(withinMs)]);
  } catch (error) {
    redis.disconnect();
    throw unreachable(addressInWords(address), [...reasons, error]);
  }
  for (const event of ["node error", "sentinelError"]) redis.off(event, note);
  keepErrors(redis);
  redis.off("error", note);
  return { redis, close: async () => void redis.disconnect() };
}

/** As `connectRedis`, but only to a ledger of this program's schema. @throws AccessError as `connectRedis`, and `ledger-schema` */
export async function connectLedger(url: string, access: RedisAccess = {}): Promise<LedgerConnection> {
  const connection = await connectRedis(url, access);
  try {
    await expectSchema(connection.redis);
    const queues = await connectRedis(url, access, { gathers: false });
    const close = async () => void (await Promise.all([connection.close(), queues.close()]));
    return { redis: connection.redis, forQueues: queues.redis, close };
  } catch (error) {
    // An open connection would keep the process alive.
    await connection.close();
    throw error;
  }
}

/** A worker's connection blocks while it waits for jobs, so it never gives up. */
export function connectRedisBlocking(url: string, access: RedisAccess = {}): RedisClient {
  const redis = openClient(addressOf(url), access, { patience: "waits" });
  keepErrors(redis);
  return redis;
}

function addressOf(url: string): RedisAddress {
  const reading = readRedisUrl(url);
  if (reading.type === "invalid") throw new AccessError("config-invalid", `REDIS_URL: ${reading.problem}`);
  return reading.address;
}

function timeout(ms: number): Promise<never> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

export const schemaKey = "{eks-access}:schema";

/**
 * The schema of the ledger. Raise it with each change of what Redis keeps that another version would misread, and with each of its
 * forms: an older process calls a record with one more field unreadable.
 */
export const schema = "10";

/** @throws AccessError `ledger-schema`; `ledger-unreachable` or `ledger-refused` if Redis fails */
export async function expectSchema(redis: RedisClient): Promise<void> {
  const found = await readOrMark(redis);
  if (found === schema) return;
  throw new AccessError(
    "ledger-schema",
    `The ledger in Redis has schema ${found}, and this eks-access needs ${schema}`,
  );
}

async function readOrMark(redis: RedisClient): Promise<string | null> {
  try {
    // Another process can mark it in between, so read the final value.
    await redis.set(schemaKey, schema, "NX");
    return await redis.get(schemaKey);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = reason.startsWith("NOPERM") ? "ledger-refused" : "ledger-unreachable";
    throw new AccessError(code, `Couldn't use the ledger's schema (${reason})`, { cause: error });
  }
}
