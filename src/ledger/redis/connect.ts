import { AccessError } from "../../access/access-error.ts";
import { type ClientOptions, openClient, type RedisAccess, type RedisClient, usualConnectTimeoutMs } from "./client.ts";
import { unreachable } from "./explain-redis-error.ts";
import { addressInWords, type RedisAddress, readRedisUrl } from "./redis-url.ts";

export interface RedisConnection {
  readonly redis: RedisClient;
  close: () => Promise<void>;
}

export interface LedgerConnection extends RedisConnection {
  readonly forQueues: RedisClient;
}

/** A first connection may take so much longer than one: it asks Sentinels or nodes of a cluster first. */
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
  // Collected besides the rejection, which can be just "Connection is closed": of Cluster nodes and Sentinels too.
  const note = (error: unknown) => void reasons.push(error);
  for (const event of ["error", "node error", "sentinelError"]) redis.on(event, note);
  try {
    await Promise.race([redis.connect(), ready(redis), firstError(redis), timeout(withinMs)]);
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
 * The connection of a process that writes the ledger: as `connectRedis`, and only to a ledger of this program's schema. @throws
 * AccessError as `connectRedis`, and `ledger-schema`
 */
export async function connectLedger(url: string, access: RedisAccess = {}): Promise<LedgerConnection> {
  const connection = await connectRedis(url, access);
  try {
    await expectSchema(connection.redis);
    const queues = await connectRedis(url, access, { gathers: false });
    const close = async () => void (await Promise.all([connection.close(), queues.close()]));
    return { redis: connection.redis, forQueues: queues.redis, close };
  } catch (error) {
    // An open connection would keep a process alive that should end with this error.
    await connection.close();
    throw error;
  }
}

/** A worker's connection to its queue blocks while it waits, so it must never give up. */
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

/** Each failed command rejects; without a listener ioredis would also print the connection errors. */
function ignoreErrors(redis: RedisClient): void {
  redis.on("error", () => {});
}

/** ioredis retries a Redis Cluster that is not whole yet, and forgets the promise of its first try. */
function ready(redis: RedisClient): Promise<void> {
  return new Promise((resolve) => redis.once("ready", () => resolve()));
}

/** With Sentinels ioredis would retry for ever before it rejects. */
function firstError(redis: RedisClient): Promise<never> {
  return new Promise((_, reject) => redis.once("error", reject));
}

function timeout(ms: number): Promise<never> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

export const schemaKey = "{eks-access}:schema";

/** The schema of the ledger. Raise it with each change in src/ledger/redis that an older or a newer program would misread. */
export const schema = "3";

/**
 * Marks a ledger without a schema with this program's own, and refuses another one. @throws AccessError `ledger-schema` for
 * another schema, `ledger-unreachable` or `ledger-refused` if Redis fails
 */
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
    // Another process can mark it in between: the final value counts.
    await redis.set(schemaKey, schema, "NX");
    return await redis.get(schemaKey);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = reason.startsWith("NOPERM") ? "ledger-refused" : "ledger-unreachable";
    throw new AccessError(code, `Could not read or write the ledger's schema (${reason})`, { cause: error });
  }
}
