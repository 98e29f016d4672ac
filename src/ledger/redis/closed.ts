import { z } from "zod";
import type { Taking } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import { listScript } from "./lists.ts";
import { foundIn, textsOf } from "./records.ts";
import type { Kind, Stored, StoredReader } from "./stored.ts";

/** Where closed records of a kind are. */
export interface ClosedKind<K extends Kind> {
  readonly kind: K;
  /** What the key of each record begins with. */
  readonly recordPrefix: string;
  /** The key of those of which nothing can come any more, by since when. */
  readonly closed: string;
  /** Since when that is, in milliseconds since the epoch; null: something can still come of it. */
  readonly since: (record: Stored<K>) => number | null;
}

/** Closed records, the longest closed first. */
export async function takeClosed<K extends "request" | "migration">(
  redis: RedisClient,
  reader: StoredReader,
  kind: ClosedKind<K>,
  { before, putOffUntil, limit }: Taking,
): Promise<readonly Stored<K>[]> {
  await listUnlisted(redis, reader, kind);
  const values = [String(before.getTime()), String(putOffUntil.getTime()), String(limit)];
  const taken = await runScript(redis, takeClosedScript, [kind.closed, kind.recordPrefix], values);
  return reader.readAll(kind.kind, foundIn(taken));
}

/**
 * Hands out closed records, the longest closed first, and puts each of them off: another worker does not get it, and one that can't be
 * removed does not stand before the others. An id without a record is forgotten.
 * KEYS: closed, what the key of each record begins with. ARGV: closed before, put off until, how many
 */
const takeClosedScript = scriptOf(`
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local record = redis.call('HGET', KEYS[2] .. id, 'record')
  if record then
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    found[#found + 1] = { id, record }
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return found
`);

/** So many keys are looked at in one step: Redis answers no other command meanwhile. */
const keysAtOnce = 500;

/**
 * Gives closed records that were written past the commits their place among the closed ones: in no list, they would never be removed.
 * Each call looks at some of all records, and goes on where the last one stopped.
 */
async function listUnlisted<K extends "request" | "migration">(
  redis: RedisClient,
  reader: StoredReader,
  { kind, recordPrefix, closed, since }: ClosedKind<K>,
): Promise<void> {
  const places = [closed, `${closed}-scan`];
  const found = await runScript(redis, unlistedScript, places, [recordPrefix, String(keysAtOnce)]);
  const ids = z.array(z.string()).parse(found);
  for (const record of await reader.readAll(kind, await textsOf(redis, recordPrefix, ids))) {
    const { id, version } = record;
    const place = since(record);
    if (place !== null)
      await runScript(redis, listScript, [`${recordPrefix}${id}`, closed], [String(version), id, String(place)]);
  }
}

/**
 * Looks at a part of all keys, and goes on there the next time. Another kind of key than a record's is passed over.
 * KEYS: closed, where to go on. ARGV: what the key of each record begins with, how many keys
 */
const unlistedScript = scriptOf(`
local cursor = string.match(redis.call('GET', KEYS[2]) or '', '^%d+$') or '0'
local part = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', ARGV[2], 'TYPE', 'hash')
redis.call('SET', KEYS[2], part[1])
local found = {}
for _, key in ipairs(part[2]) do
  local id = string.sub(key, #ARGV[1] + 1)
  if not redis.call('ZSCORE', KEYS[1], id) then found[#found + 1] = id end
end
return found
`);

/** Every key that a record is in, of whichever kind it is. */
export interface RecordKeys {
  readonly record: string;
  readonly due: string;
  readonly unshown: string;
  readonly extensions: string;
  readonly counts: string;
  readonly shown: string;
  readonly thread: string;
  readonly trace: string;
  readonly log: string;
  /** A set: of leases that could speak for ever, the ids of which the record was removed. */
  readonly forGood: string;
  /** The sets that its id is in, beside the above. */
  readonly sets: readonly string[];
}

/**
 * Removes one record and all that belongs to it, where it is still the one that was read, nothing is due about it, its message shows it
 * and no open request extends it. Its events stay; where to find them lasts as long as they do.
 *
 * KEYS: record, due, unshown, extensions of it, counts, log, shown, thread, trace, over for good, and the sets
 * ARGV: version, id, how long the log lasts in milliseconds or "", "id" where the id stays
 * Returns 1 where the record is gone.
 */
const removeScript = scriptOf(`
local stored = redis.call('HMGET', KEYS[1], 'version', 'class')
if not stored[1] then return 1 end
if stored[1] ~= ARGV[1] or redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
if redis.call('ZSCORE', KEYS[2], ARGV[2]) or redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then return 0 end

redis.call('DEL', KEYS[1], KEYS[7], KEYS[8], KEYS[9])
if stored[2] then redis.call('HINCRBY', KEYS[5], stored[2], -1) end
for i = 11, #KEYS do redis.call('ZREM', KEYS[i], ARGV[2]) end
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[6], ARGV[3]) end
if ARGV[4] == 'id' then redis.call('SADD', KEYS[10], ARGV[2]) end
return 1
`);

/** What is to be removed. */
export interface Removal {
  readonly id: string;
  /** The one that was read. */
  readonly version: number;
  readonly keys: RecordKeys;
  /** How long it can still be found which events tell of it; null: for ever. */
  readonly logForMs: number | null;
  /** Its id stays. */
  readonly leavesItsId: boolean;
}

/** Whether the record is gone. */
export async function removeRecord(redis: RedisClient, { id, version, keys, ...removal }: Removal): Promise<boolean> {
  const { record, due, unshown, extensions, counts, log, shown, thread, trace, forGood, sets } = keys;
  const all = [record, due, unshown, extensions, counts, log, shown, thread, trace, forGood, ...sets];
  const { logForMs, leavesItsId } = removal;
  const values = [String(version), id, logForMs === null ? "" : String(logForMs), leavesItsId ? "id" : ""];
  return (await runScript(redis, removeScript, all, values)) === 1;
}
