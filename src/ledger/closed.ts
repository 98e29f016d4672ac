import { z } from "zod";
import { isMigration, keepsIdAfterRemoval, type LedgerRecord, recordClosedSince } from "../access/lists.ts";
import { countLua, logKey, runScript, scriptOf } from "./commit-script.ts";
import {
  closedKey,
  countsKey,
  dueKey,
  extensionsKey,
  latestMigration,
  listScript,
  listsOf,
  permanentKey,
} from "./lists.ts";
import {
  fieldLua,
  readRecords,
  readTexts,
  recordKey,
  recordPrefix,
  shownKey,
  storedTextsIn,
  threadKey,
  traceKey,
  unshownKey,
} from "./records.ts";
import type { Store } from "./stored.ts";

export interface ClosedBatch {
  /** Records without any further effect since before this. */
  readonly before: Date;
  /** No worker takes them again until then. */
  readonly postponedUntil: Date;
  readonly limit: number;
}

/**
 * Takes closed records, the longest closed first, and puts each off: another worker does not get it, and one that can't be removed does
 * not block the others. Drops an id without a record. KEYS: closed, the prefix of records' keys. ARGV: closed before, postponed until,
 * the most
 */
const takeClosedScript = scriptOf(`${fieldLua}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local record = field_of(KEYS[2] .. id, 'record')
  if record then
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    found[#found + 1] = { id, record }
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return found
`);

export async function takeClosed(
  store: Store,
  { before, postponedUntil, limit }: ClosedBatch,
): Promise<readonly LedgerRecord[]> {
  await listClosed(store);
  const values = [String(before.getTime()), String(postponedUntil.getTime()), String(limit)];
  return readTexts(
    store,
    storedTextsIn(await runScript(store.redis, takeClosedScript, [closedKey, recordPrefix], values)),
  );
}

/** A part of all keys, from where it ended. KEYS: closed, the position. ARGV: the prefix of records' keys, the number of keys */
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

/** The number of keys in one step: Redis answers no other command during it. */
const keysAtOnce = 500;

/** Lists closed records that were written without a commit, some at each call: otherwise nothing would remove them. */
async function listClosed(store: Store): Promise<void> {
  const found = await runScript(
    store.redis,
    unlistedScript,
    [closedKey, `${closedKey}-scan`],
    [recordPrefix, String(keysAtOnce)],
  );
  const ids = z.array(z.string()).parse(found);
  for (const record of await readRecords(store, ids)) {
    const since = recordClosedSince(record);
    if (since === null) continue;
    const { id, version } = record;
    await runScript(store.redis, listScript, [recordKey(id), closedKey], [String(version), id, String(since)]);
  }
}

/**
 * Removes one record with all its data, if it is unchanged since it was read, nothing is due about it, its message shows it and no open
 * request extends it. Its events stay; the index to them lasts as long as they do.
 * KEYS: record, due, unshown, extensions of it, counts, log, shown, thread, trace, over for good, and the lists ARGV: version,
 * id, how long the log lasts in milliseconds or "", "id" if the id stays. Returns 1 if the record is gone.
 */
const removeScript = scriptOf(`${countLua}
local stored = redis.call('HMGET', KEYS[1], 'version', 'class')
if not stored[1] then return 1 end
if stored[1] ~= ARGV[1] or redis.call('ZCOUNT', KEYS[4], 0, '+inf') > 0 then return 0 end
if redis.call('ZSCORE', KEYS[2], ARGV[2]) or redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then return 0 end

redis.call('DEL', KEYS[1], KEYS[7], KEYS[8], KEYS[9])
count(KEYS[5], stored[2], '')
for i = 11, #KEYS do redis.call('ZREM', KEYS[i], ARGV[2]) end
if ARGV[4] == 'id' then redis.call('SADD', KEYS[10], ARGV[2]) end
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[6], ARGV[3]) end
return 1
`);

/**
 * Whether the record is gone. A migration that is not its cluster's newest never becomes it again, so check and removal can't
 * conflict. @param logForMs of its events' index; null: for ever
 */
export async function removeRecord(store: Store, record: LedgerRecord, logForMs: number | null): Promise<boolean> {
  const { id, version } = record;
  if (isMigration(record) && (await latestMigration(store, record.cluster))?.id === id) return false;
  const keys = [
    ...[recordKey(id), dueKey, unshownKey, extensionsKey(id), countsKey, logKey(id)],
    ...[shownKey(id), threadKey(id), traceKey(id), permanentKey, ...listsOf(record).map(({ key }) => key)],
  ];
  const idStays = !isMigration(record) && keepsIdAfterRemoval(record);
  const values = [String(version), id, logForMs === null ? "" : String(logForMs), idStays ? "id" : ""];
  return (await runScript(store.redis, removeScript, keys, values)) === 1;
}
