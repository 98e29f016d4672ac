import { z } from "zod";
import { type AuditEvent, type ChainedEvent, genesis, nestsTooDeep } from "../access/audit-event.ts";
import { timeForm } from "../access/lease/lease-record.ts";
import { canonicalJson, type Json } from "../access/seal.ts";
import { type Anchor, type ErasedEvent, formatAnchor, type LogBase, readAnchor } from "../access/verify-log.ts";
import { explained, type RedisClient } from "./client.ts";
import { chainHeadKey, chainLua, chainText, endScript, eventsKey, logKey, noteScript } from "./commit-script.ts";
import { recordKey } from "./records.ts";
import { storedJson, textOf, wholeOf } from "./stored.ts";

export type EventLedger = ReturnType<typeof redisEvents>;

/** The events beside those of a commit. */
export function redisEvents(redis: RedisClient) {
  const note = async (event: AuditEvent, without: "alone" | ""): Promise<void> => {
    const places = [recordKey(event.request), chainHeadKey, eventsKey, logKey(event.request)];
    await redis.eval(noteScript, places.length, ...places, ...chainText(event), without);
  };
  return {
    /** Such as a refused attempt, among the events of its record, if there is one. */
    note: (event: AuditEvent) => note(event, ""),
    /** Appends an event that is about no record: unlike with `note`, `eventsOf` finds it by its `request`, unless that is empty. */
    append: (event: AuditEvent) => note(event, event.request === "" ? "" : "alone"),
    /** Events from this sequence number on (the first is 1), in order. */
    events: (from: number, limit: number) => readEvents(redis, from, limit),
    eventsOf: async (id: string, limit: number) =>
      readEventsAt(redis, await wholeOf(redis, "LRANGE", logKey(id), String(-limit), "-1")),
    /** Why the log takes no event, so that nothing can change: a person wrote into it. In Redis' words; null: it takes them. */
    logFlaw: async (): Promise<string | null> => {
      try {
        await redis.eval(endScript, 2, chainHeadKey, eventsKey);
        return null;
      } catch (error) {
        if (error instanceof Error && /WRONGTYPE|audit log/.test(error.message)) return error.message;
        throw error;
      }
    },
  };
}

async function readEvents(redis: RedisClient, from: number, limit: number): Promise<readonly ChainedEvent[]> {
  return (await redis.xrange(eventsKey, `${from}-0`, "+", "COUNT", limit)).map(chainedEvent);
}

/** Without removed ones. Redis can have any text among the numbers. */
async function readEventsAt(redis: RedisClient, sequences: readonly string[]): Promise<readonly ChainedEvent[]> {
  // One call each, in one round trip: they can be far apart.
  const numbers = sequences.filter((each) => /^\d{1,15}$/.test(each));
  const rows = await Promise.all(numbers.map((each) => redis.xrange(eventsKey, `${each}-0`, `${each}-0`)));
  return rows.flat().map(chainedEvent);
}

function chainedEvent([id, fields]: [id: string, fields: string[]]): ChainedEvent {
  const [, event = "null", , previous, , hash, , erased] = fields;
  const sequence = Number(id.split("-")[0]);
  const place = { sequence, event: readEvent(event), previous: digestIn(previous), hash: digestIn(hash) };
  return erased === undefined ? place : { ...place, erased: digestIn(erased) };
}

/** Empty, which breaks the chain: any other text can be too large for a sink. */
function digestIn(text = ""): string {
  return /^[0-9a-f]{64}$/.test(text) ? text : "";
}

/** The chain has no digest of it, so verification names its place. */
const unreadable: AuditEvent = {
  type: "record.unreadable",
  at: new Date(0).toISOString(),
  actor: "",
  request: "",
  cluster: "",
  detail: {},
};

/** As stored, for verification. A forged text must not hide the other events. One of another version can have another type. */
function readEvent(text: string): AuditEvent {
  const event = storedJson(text);
  return !nestsTooDeep(event) && auditEvent.safeParse(event).success ? (event as AuditEvent) : unreadable;
}

const auditEvent = z.looseObject({
  type: z.string(),
  at: timeForm,
  actor: z.string(),
  request: z.string(),
  cluster: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

const baseKey = "{eks-access}:chain-base";
const anchorsKey = "{eks-access}:anchors";
/** A hash: for each sink the number of its newest event. */
const deliveredKey = "{eks-access}:audit-delivered";

/** Ten years of anchors, one a day; the oldest go first. */
const maxAnchors = 4_000;

/** KEYS: events, base, anchors. ARGV: number and chain value of the newest event to remove, the base's new and old fields. */
const beginScript = `
local before = redis.call('HMGET', KEYS[2], 'sequence', 'seal')
local from, to = tonumber(before[1] or '0'), tonumber(ARGV[1])
if (before[2] or '') ~= ARGV[5] or to < from then return 0 end
if to > from and #redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[1] .. '-0') == 0 then return 0 end
redis.call('HSET', KEYS[2], 'sequence', ARGV[1], 'hash', ARGV[2], 'anchors', ARGV[3], 'seal', ARGV[4], 'erasures', ARGV[6])
redis.call('XTRIM', KEYS[1], 'MINID', (to + 1) .. '-0')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', to)
return 1
`;

/** The log without the erased texts, until it replaces the log. */
const copyKey = `${eventsKey}-copy`;
/** Redis does nothing else during one call. */
const copiedAtOnce = 500;
/** How long a copy of a dead process stays. Milliseconds. */
const copyKeptMs = 3_600_000;

/** KEYS: events, copy. ARGV: the first and the last number; JSON of the erased ones among them: by number, text and digest. */
const copyScript = `
local erased = cjson.decode(ARGV[3])
for _, row in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[2] .. '-0')) do
  local fields, left = row[2], erased[string.match(row[1], '^%d+')]
  if left then fields = { 'event', left[1], 'previous', fields[4], 'hash', fields[6], 'erased', left[2] } end
  redis.call('XADD', KEYS[2], row[1], unpack(fields))
end
redis.call('PEXPIRE', KEYS[2], ${copyKeptMs})
return 1
`;

/** KEYS: events, copy, base, head. ARGV: those of `beginScript`, the copy's last number, the event about it, its digest. */
const eraseScript = `${chainLua}
if (redis.call('HGET', KEYS[3], 'seal') or '') ~= ARGV[5] then return 0 end
for _, row in ipairs(redis.call('XRANGE', KEYS[1], (tonumber(ARGV[7]) + 1) .. '-0', '+')) do
  redis.call('XADD', KEYS[2], row[1], unpack(row[2]))
end
if redis.call('XLEN', KEYS[1]) ~= redis.call('XLEN', KEYS[2]) then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('PERSIST', KEYS[2])
  redis.call('RENAME', KEYS[2], KEYS[1])
end
redis.call('HSET', KEYS[3], 'sequence', ARGV[1], 'hash', ARGV[2], 'anchors', ARGV[3], 'seal', ARGV[4], 'erasures', ARGV[6])
append_event(KEYS[4], KEYS[1], ARGV[8], ARGV[9])
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

export type AuditLog = ReturnType<typeof redisAuditLog>;

/**
 * The ledger's events as a log on Redis: read, delivered to sinks, and limited in time. Only the ledger's own commits add to it. Any
 * failure of Redis is an AccessError `ledger-unreachable`.
 */
export function redisAuditLog(redis: RedisClient) {
  const log = {
    /** Events from this sequence number on (the first is 1), in order. */
    events: (from: number, limit: number) => readEvents(redis, from, limit),
    head: async (): Promise<Anchor> => {
      const [sequence, hash] = await wholeOf(redis, "HMGET", chainHeadKey, "sequence", "hash");
      return { count: Number(sequence ?? 0), hash: hash || genesis };
    },
    /** The beginning of the log, as stored: the reader has to verify it. */
    base: () => readBase(redis),
    /** Never back. Nothing happens if the event is absent, or if the log no longer begins at `before`. */
    beginAt: async (base: LogBase, before: LogBase): Promise<void> => {
      await redis.eval(beginScript, 3, eventsKey, baseKey, anchorsKey, ...valuesOf(base, before));
    },
    /** In one step: events become their remains, and the log has this event. False: the beginning is no longer `before`. */
    erase: async (erased: ReadonlyMap<number, ErasedEvent>, base: LogBase, before: LogBase, event: AuditEvent) => {
      const last = await copyErased(redis, erased);
      const keys = [eventsKey, copyKey, baseKey, chainHeadKey];
      const values = [...valuesOf(base, before), String(last), ...chainText(event)];
      return (await redis.eval(eraseScript, keys.length, ...keys, ...values)) === 1;
    },
    /** The posted anchors up to this event, oldest first. An attacker with Redis can forge them. */
    anchors: async (upTo: number) => readAnchors(await redis.zrangebyscore(anchorsKey, "-inf", upTo)),
    /** Stores a posted anchor for checks after its event is removed. */
    noteAnchor: async (anchor: Anchor): Promise<void> => {
      const values = [String(anchor.count), formatAnchor(anchor), String(maxAnchors)];
      await redis.eval(noteAnchorScript, 1, anchorsKey, ...values);
    },
    /** The sequence number of the newest event that this sink has; 0: none. */
    delivered: async (sink: string) => Number(await textOf(redis, "HGET", deliveredKey, sink)),
    /** Never moves back. */
    markDelivered: async (sink: string, sequence: number): Promise<void> =>
      void (await redis.eval(raiseScript, 1, deliveredKey, sink, String(sequence))),
  };
  return explained(log, redis);
}

function valuesOf({ count, hash, anchors, seal, erasures = new Map() }: LogBase, before: LogBase): readonly string[] {
  const marks = [...erasures].map(([sequence, mark]) => `${sequence}:${mark}`);
  const places = anchors.map(formatAnchor).join(" ");
  return [String(count), hash, places, seal ?? "", before.seal ?? "", marks.join(" ")];
}

/** A stream's entries can't change, so this copies it page by page. @returns the number of the last event in the copy */
async function copyErased(redis: RedisClient, erased: ReadonlyMap<number, ErasedEvent>): Promise<number> {
  await redis.del(copyKey);
  for (let last = 0; ; ) {
    const page = await readEvents(redis, last + 1, copiedAtOnce);
    const first = last;
    last = page.at(-1)?.sequence ?? last;
    if (last === first) return last;
    const left = page.flatMap(({ sequence }) => {
      const { event, digest } = erased.get(sequence) ?? {};
      return event && digest ? [[sequence, [canonicalJson(event as unknown as Json), digest]] as const] : [];
    });
    const values = [String(first + 1), String(last), JSON.stringify(Object.fromEntries(left))];
    await redis.eval(copyScript, 2, eventsKey, copyKey, ...values);
  }
}

async function readBase(redis: RedisClient): Promise<LogBase> {
  const names = ["sequence", "hash", "anchors", "seal", "erasures"] as const;
  const [sequence, hash, anchors, seal, erasures] = await wholeOf(redis, "HMGET", baseKey, ...names);
  const known = readAnchors((anchors ?? "").split(" "));
  // An erasure has the form of an anchor.
  const erased = new Map(readAnchors((erasures ?? "").split(" ")).map((each) => [each.count, each.hash]));
  const base = { count: Number(sequence ?? 0), hash: hash || genesis, anchors: known, seal: seal || null };
  return erased.size > 0 ? { ...base, erasures: erased } : base;
}

function readAnchors(texts: readonly string[]): readonly Anchor[] {
  return texts.map(readAnchor).filter((anchor) => anchor !== null);
}
