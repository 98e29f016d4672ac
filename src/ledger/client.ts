import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { Cluster, Redis } from "ioredis";
import { AccessError } from "../access/access-error.ts";
import type { RedisAddress } from "./redis-url.ts";

/** The settings of a connection besides its address. Files are PEM, read for each connection. */
export interface RedisAccess {
  /** An ACL user; overrides the one of the URL. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The Sentinels have users of their own. */
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** The authority of the servers' certificates, instead of those that Node knows. */
  readonly caFile?: string | undefined;
  /** Our own certificate and its key, for servers that require one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The longest wait for a connection; undefined: 3 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest wait for the answer to a command, its second try included; undefined: 5 s. */
  readonly commandTimeoutMs?: number | undefined;
}

type ConnectionMode = "fails-fast" | "waits";

export interface ClientOptions {
  readonly patience: ConnectionMode;
  /** Commands of one turn of the event loop go to Redis in one write. Not for BullMQ: each write would carry its scripts. */
  readonly gathers?: boolean;
}

/** A connection to one server, directly or by Sentinels, or to a Redis Cluster. */
export type RedisClient = Redis | Cluster;

export const usualConnectTimeoutMs = 3_000;
const usualCommandTimeoutMs = 5_000;
/**
 * After a failover of the network the other end can vanish silently: no command gets an answer until this time. It is shorter than a
 * command's time, so that the command has a second try, and longer than the 10 seconds for which BullMQ blocks.
 */
const silenceEndsConnection = {
  "fails-fast": (commandTimeout: number) => commandTimeout * 0.6,
  waits: () => 15_000,
} as const;
const reconnectAfter = (times: number) => Math.min(times * 100, 2_000);

/** A client that is not connected yet, or connects by itself if it waits. @throws AccessError `config-invalid` */
export function openClient(
  address: RedisAddress,
  access: RedisAccess,
  { patience, gathers = false }: ClientOptions,
): RedisClient {
  const tls = address.tls ? tlsOptions(access) : undefined;
  if (address.kind === "cluster") {
    const cluster = clusterClient(address, access, { patience, gathers }, tls);
    return cluster.on("+node", (node: Redis) => void bounded(node, { patience, gathers }));
  }
  const redis = new Redis({
    ...shared(address, access, patience),
    ...(address.kind === "sentinel" ? sentinelOptions(address, access, tls) : address.nodes[0]),
    ...(tls && { tls }),
    db: address.database,
    lazyConnect: patience === "fails-fast",
    enableAutoPipelining: gathers,
    enableOfflineQueue: patience === "waits",
    retryStrategy: reconnectAfter,
    // After a failover the old master can continue as a replica. ioredis sends a waiting command again, to the new master.
    reconnectOnError: (error) => error.message.includes("READONLY") && (patience === "waits" ? 2 : 1),
  });
  return bounded(redis, { patience, gathers });
}

/**
 * Of one command, in bytes. A script, a list and a part of the log have many records. BullMQ parses whole jobs, also what we don't read of
 * them, and a process has forty at once: a byte of JSON can take thirty of memory.
 */
const largestAnswers = {
  ledger: { ofMany: 48_000_000, ofOne: 8_000_000 },
  /** The plan for an aws-auth of two thousand entries, an answer to a question, has three megabytes. */
  queues: { ofMany: 8_000_000, ofOne: 4_000_000 },
  jobs: { ofMany: 128_000, ofOne: 128_000 },
};
const hasMany = /^(?:eval|z|x|s)/i;

/** Ends a connection on which an endless answer comes: someone with Redis could fill this process's memory, so that no lease ends. */
function bounded(redis: Redis, options: ClientOptions): Redis {
  const { patience, gathers = false } = options;
  const { ofMany, ofOne } = largestAnswers[patience === "waits" ? "jobs" : gathers ? "ledger" : "queues"];
  redis.on("connect", () => {
    const { stream } = redis;
    let [bytes, asked] = [0, redis.commandQueue.peekFront()];
    stream.on("data", (part: Buffer) => {
      const next = redis.commandQueue.peekFront();
      bytes = next === asked ? bytes + part.length : 0;
      asked = next;
      if (!next || bytes <= (hasMany.test(next.command.name) ? ofMany : ofOne)) return;
      const error = new Error(`Redis answers ${next.command.name} with more than ${bytes} bytes`);
      redis.recoverFromFatalError(error, error, { offlineQueue: false });
      stream.destroy();
    });
  });
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (...given) => bounded(duplicate(...given), options);
  return redis;
}

function clusterClient(
  address: RedisAddress,
  access: RedisAccess,
  { patience, gathers = false }: ClientOptions,
  tls: ConnectionOptions | undefined,
): Cluster {
  return new Cluster([...address.nodes], {
    lazyConnect: patience === "fails-fast",
    enableAutoPipelining: gathers,
    enableOfflineQueue: patience === "waits",
    clusterRetryStrategy: reconnectAfter,
    // Each redirection can wait for 100 ms: few enough that an ack to Slack is in time.
    ...(patience === "fails-fast" && { maxRedirections: 6 }),
    slotsRefreshTimeout: access.connectTimeoutMs ?? usualConnectTimeoutMs,
    // ioredis resolves names by itself, and would compare the certificate with the resolved address.
    ...(tls && { dnsLookup: (host, found) => found(null, host) }),
    redisOptions: { ...shared(address, access, patience), ...(tls && { tls }) },
  });
}

function shared({ username, password }: RedisAddress, access: RedisAccess, patience: ConnectionMode) {
  const commandTimeout = access.commandTimeoutMs ?? usualCommandTimeoutMs;
  const limits = patience === "waits" ? { maxRetriesPerRequest: null } : { maxRetriesPerRequest: 1, commandTimeout };
  const user = { username: access.username ?? username, password: access.password ?? password };
  const connectTimeout = access.connectTimeoutMs ?? usualConnectTimeoutMs;
  return { ...user, connectTimeout, socketTimeout: silenceEndsConnection[patience](commandTimeout), ...limits };
}

function sentinelOptions({ nodes, master }: RedisAddress, access: RedisAccess, tls: ConnectionOptions | undefined) {
  return {
    sentinels: [...nodes],
    name: master,
    sentinelUsername: access.sentinelUsername,
    sentinelPassword: access.sentinelPassword,
    sentinelRetryStrategy: reconnectAfter,
    sentinelCommandTimeout: access.connectTimeoutMs ?? usualConnectTimeoutMs,
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}

function tlsOptions({ caFile, certFile, keyFile }: RedisAccess): ConnectionOptions {
  return {
    ...(caFile && { ca: readPem("REDIS_CA_FILE", caFile) }),
    ...(certFile && { cert: readPem("REDIS_CERT_FILE", certFile) }),
    ...(keyFile && { key: readPem("REDIS_KEY_FILE", keyFile) }),
  };
}

function readPem(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new AccessError("config-invalid", `${variable}: can't read ${file}`, { cause });
  }
}

interface Cause {
  readonly pattern: RegExp;
  /** The kinds of address to which it applies; absent: all. */
  readonly at?: RegExp;
  readonly what: (place: string) => string;
  readonly remedy: string;
}

/** Recognised by the words of Redis, Sentinel or TLS. */
const causes: readonly Cause[] = [
  {
    pattern: /sentinel.*\b(WRONGPASS|NOAUTH|NOPERM)/,
    what: (place) => `The Sentinels of ${place} refuse user or password`,
    remedy: "Check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD.",
  },
  {
    pattern: /No such master|invalid reply: null/,
    what: (place) => `The Sentinels know no master of ${place}`,
    remedy: "Correct the end of REDIS_URL.",
  },
  {
    pattern: /^(WRONGPASS|NOAUTH)|invalid (username-)?password/,
    what: (place) => `Redis at ${place} refuses user or password`,
    remedy: "Check REDIS_URL, REDIS_USERNAME and REDIS_PASSWORD.",
  },
  {
    pattern: /^NOPERM/,
    what: (place) => `The Redis user lacks rights at ${place}`,
    remedy: "Give it the rights in docs/operating.md.",
  },
  {
    // A server that requires client certificates, and got none or an untrusted one. With TLS 1.3 the client is connected by then.
    pattern:
      /alert (certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)|ECONNRESET|EPIPE|socket disconnected/i,
    at: /^rediss/,
    what: (place) => `Redis at ${place} closed the connection`,
    remedy: "If it needs a client certificate, set REDIS_CERT_FILE, REDIS_KEY_FILE.",
  },
  {
    pattern: /certificate (has expired|is not yet valid)/i,
    what: (place) => `The certificate of Redis at ${place} is not valid now`,
    remedy: "Set the clock by NTP, or renew it.",
  },
  {
    pattern: /certificate|altnames/i,
    what: (place) => `The certificate of Redis at ${place} is not trusted`,
    remedy: "Set REDIS_CA_FILE; use the certificate's host.",
  },
];

/** ioredis' errors go no further: they have the arguments of AUTH. @param place without user and password */
export function unreachable(place: string, errors: readonly unknown[]): AccessError {
  const reasons = errors.map(reasonOf);
  for (const reason of reasons) {
    const known = causeOf(reason, place);
    if (known) {
      return new AccessError("ledger-refused", known.what(place), { cause: new Error(reason), remedy: known.remedy });
    }
  }
  const cause = new Error(reasons.at(-1));
  // Either it is starting, or it takes our first words for a broken handshake.
  const isCut =
    /^redis\b/.test(place) &&
    reasons.every((reason) => /ECONNRESET|EPIPE|Connection is closed|Protocol error/.test(reason));
  const remedy = isCut && "Check Redis. For TLS, begin REDIS_URL with rediss.";
  return new AccessError("ledger-unreachable", `No answer from Redis at ${place}`, {
    cause,
    ...(remedy && { remedy }),
  });
}

function causeOf(reason: string, place: string): Cause | undefined {
  return causes.find(({ pattern, at = /^/ }) => pattern.test(reason) && at.test(place));
}

/** A Redis Cluster says that all nodes failed, and in `lastNodeError` why the last one did. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { lastNodeError } = error as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError.message : error.message;
}

/** By client, why it has no connection now. A command says only that it can't be sent. */
const brokenBy = new WeakMap<RedisClient, string>();

/** Each failed command rejects; without a listener ioredis would also print connection errors. */
export function keepErrors(redis: RedisClient): void {
  redis.on("error", (error) => void brokenBy.set(redis, reasonOf(error)));
  redis.on("ready", () => void brokenBy.delete(redis));
}

/** Of a Redis that is full, a replica, without its replicas, or without room on its disk; with its own words. */
const takesNoWrites = /^(?:OOM|READONLY|NOREPLICAS|MISCONF) .*?(?=\.|$)/;

function unanswered(redis: RedisClient, failure: unknown): AccessError {
  const broken = brokenBy.get(redis);
  const cause = broken === undefined ? failure : new Error(broken);
  const reason = reasonOf(cause);
  // It closes the connection (openClient): until the next one a command says only that it can't be sent.
  if (reason.startsWith("READONLY") && redis instanceof Redis) brokenBy.set(redis, reason);
  const place = "REDIS_URL";
  const known = causeOf(reason, place);
  if (known) return new AccessError("ledger-unreachable", known.what(place), { cause, remedy: known.remedy });
  const [refusal] = takesNoWrites.exec(reason) ?? [];
  const what = refusal ? `Redis takes no writes: ${refusal}` : "Redis did not answer";
  return new AccessError("ledger-unreachable", what, { cause });
}

/** A port on Redis that fails only with AccessErrors `ledger-unreachable`. */
export function explained<Port extends object>(port: Port, redis: RedisClient): Port {
  const calls = Object.entries(port as Record<string, (...given: unknown[]) => Promise<unknown>>);
  const guarded = calls.map(([name, call]) => {
    const explain = async (...given: unknown[]) => {
      try {
        return await call(...given);
      } catch (cause) {
        throw unanswered(redis, cause);
      }
    };
    return [name, explain];
  });
  return Object.fromEntries(guarded) as Port;
}
