import type { Taking } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import { type Found, foundIn } from "./records.ts";

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
  /** The sets that its id is in, beside the above. */
  readonly sets: readonly string[];
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

/** Closed records, the longest closed first. */
export async function takeClosedTexts(
  redis: RedisClient,
  closed: string,
  recordPrefix: string,
  { before, putOffUntil, limit }: Taking,
): Promise<readonly Found[]> {
  const values = [String(before.getTime()), String(putOffUntil.getTime()), String(limit)];
  return foundIn(await runScript(redis, takeClosedScript, [closed, recordPrefix], values));
}

/**
 * Removes one record and all that belongs to it, where it is still the one that was read, nothing is due about it, its message shows it
 * and no open request extends it. Its events stay; where to find them lasts as long as they do.
 *
 * KEYS: record, due, unshown, extensions of it, counts, log, shown, thread, trace, and the sets
 * ARGV: version, id, how long the log lasts in milliseconds or ""
 * Returns 1 where the record is gone.
 */
const removeScript = scriptOf(`
local stored = redis.call('HMGET', KEYS[1], 'version', 'class')
if not stored[1] then return 1 end
if stored[1] ~= ARGV[1] or redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
if redis.call('ZSCORE', KEYS[2], ARGV[2]) or redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then return 0 end

redis.call('DEL', KEYS[1], KEYS[7], KEYS[8], KEYS[9])
if stored[2] then redis.call('HINCRBY', KEYS[5], stored[2], -1) end
for i = 10, #KEYS do redis.call('ZREM', KEYS[i], ARGV[2]) end
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[6], ARGV[3]) end
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
}

/** Whether the record is gone. */
export async function removeRecord(redis: RedisClient, { id, version, keys, logForMs }: Removal): Promise<boolean> {
  const { record, due, unshown, extensions, counts, log, shown, thread, trace, sets } = keys;
  const all = [record, due, unshown, extensions, counts, log, shown, thread, trace, ...sets];
  const values = [String(version), id, logForMs === null ? "" : String(logForMs)];
  return (await runScript(redis, removeScript, all, values)) === 1;
}
