import type { Anchor } from "../audit/anchor.ts";
import { genesis } from "../audit/event.ts";
import { AccessError } from "../failure/access-error.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { RedisClient } from "./client.ts";
import { chainHeadKey, eventsKey, readEvents } from "./events.ts";

const baseKey = "{eks-access}:chain-base";
const copiedKey = "{eks-access}:audit-copied";

/** KEYS: events, base. ARGV: sequence number and chain value of the newest event to forget. */
const forgetScript = `
if tonumber(redis.call('HGET', KEYS[2], 'sequence') or '0') >= tonumber(ARGV[1]) then return 0 end
local found = redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[1] .. '-0')
if #found == 0 then return 0 end
redis.call('HSET', KEYS[2], 'sequence', ARGV[1], 'hash', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', (tonumber(ARGV[1]) + 1) .. '-0')
return 1
`;

/** KEYS: the number. ARGV: what it is to be at least. */
const raiseScript = `
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1
`;

/** The audit log on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisAuditLog(redis: RedisClient): AuditLog {
  return {
    events: (from, limit) => reach(() => readEvents(redis, from, limit)),
    head: () => reach(() => readAnchorAt(redis, chainHeadKey)),
    base: () => reach(() => readAnchorAt(redis, baseKey)),
    forgetUpTo: ({ sequence, hash }) =>
      reach(async () => void (await redis.eval(forgetScript, 2, eventsKey, baseKey, String(sequence), hash))),
    copied: () => reach(async () => Number((await redis.get(copiedKey)) ?? 0)),
    markCopied: (sequence) => reach(async () => void (await redis.eval(raiseScript, 1, copiedKey, String(sequence)))),
  };
}

async function readAnchorAt(redis: RedisClient, key: string): Promise<Anchor> {
  const [sequence, hash] = await redis.hmget(key, "sequence", "hash");
  return { count: Number(sequence ?? 0), hash: hash ?? genesis };
}

async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AccessError("ledger-unreachable", "The audit log in Redis did not answer", { cause: error });
  }
}
