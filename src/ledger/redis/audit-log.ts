import { genesis } from "../../access/audit/event.ts";
import { type Anchor, formatAnchor, type LogBase, readAnchor } from "../../access/audit/verify-log.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import type { AuditLog } from "../audit-log.ts";
import type { RedisClient } from "./client.ts";
import { chainHeadKey, eventsKey, readEvents } from "./events.ts";

const baseKey = "{eks-access}:chain-base";
const anchorsKey = "{eks-access}:anchors";
/** A hash: for each sink the number of its newest event. */
const deliveredKey = "{eks-access}:audit-delivered";

/** More than ten years of anchors, one a day; above that the oldest go. */
const mostAnchors = 4_000;

/**
 * KEYS: events, base, anchors. ARGV: sequence number and chain value of the newest event to remove, the anchors that the base
 * knows, its seal, the seal before.
 */
const beginScript = `
local before = redis.call('HMGET', KEYS[2], 'sequence', 'seal')
local from, to = tonumber(before[1] or '0'), tonumber(ARGV[1])
if (before[2] or '') ~= ARGV[5] or to < from then return 0 end
if to > from and #redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[1] .. '-0') == 0 then return 0 end
redis.call('HSET', KEYS[2], 'sequence', ARGV[1], 'hash', ARGV[2], 'anchors', ARGV[3], 'seal', ARGV[4])
redis.call('XTRIM', KEYS[1], 'MINID', (to + 1) .. '-0')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', to)
return 1
`;

/** KEYS: anchors. ARGV: sequence number, anchor, the number to keep. */
const noteAnchorScript = `
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[3]))
return 1
`;

/** KEYS: the numbers. ARGV: the sink, its new minimum. */
const raiseScript = `
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if known < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
`;

/** The audit log on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisAuditLog(redis: RedisClient): AuditLog {
  return {
    events: (from, limit) => callRedis(() => readEvents(redis, from, limit)),
    head: () => callRedis(() => readHead(redis)),
    base: () => callRedis(() => readBase(redis)),
    beginAt: ({ count, hash, anchors, seal }, before) =>
      callRedis(async () => {
        const told = [String(count), hash, anchors.map(formatAnchor).join(" "), seal ?? "", before.seal ?? ""];
        await redis.eval(beginScript, 3, eventsKey, baseKey, anchorsKey, ...told);
      }),
    anchors: (upTo) => callRedis(async () => readAnchors(await redis.zrangebyscore(anchorsKey, "-inf", upTo))),
    noteAnchor: (anchor) =>
      callRedis(async () => {
        const told = [String(anchor.count), formatAnchor(anchor), String(mostAnchors)];
        await redis.eval(noteAnchorScript, 1, anchorsKey, ...told);
      }),
    delivered: (sink) => callRedis(async () => Number((await redis.hget(deliveredKey, sink)) ?? 0)),
    markDelivered: (sink, sequence) =>
      callRedis(async () => void (await redis.eval(raiseScript, 1, deliveredKey, sink, String(sequence)))),
  };
}

async function readHead(redis: RedisClient): Promise<Anchor> {
  const [sequence, hash] = await redis.hmget(chainHeadKey, "sequence", "hash");
  return { count: Number(sequence ?? 0), hash: hash ?? genesis };
}

async function readBase(redis: RedisClient): Promise<LogBase> {
  const [sequence, hash, anchors, seal] = await redis.hmget(baseKey, "sequence", "hash", "anchors", "seal");
  const known = readAnchors((anchors ?? "").split(" "));
  return { count: Number(sequence ?? 0), hash: hash ?? genesis, anchors: known, seal: seal ?? null };
}

function readAnchors(texts: readonly string[]): readonly Anchor[] {
  return texts.map(readAnchor).filter((anchor) => anchor !== null);
}

async function callRedis<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AccessError("ledger-unreachable", "The audit log in Redis did not answer", { cause: error });
  }
}
