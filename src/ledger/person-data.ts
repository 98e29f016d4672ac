import { z } from "zod";
import type { LedgerRecord } from "../access/lists.ts";
import { explained, type RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import { kindOfRecord, recordPrefix, type StoredText, storedTextsIn } from "./records.ts";
import { readStored } from "./stored.ts";

/** What the ledger has about one person, besides the audit log. `person` recognises them in a text. */
export interface PersonData {
  /** The records that name them, and the ids of those that can't be read. */
  records(person: RegExp): Promise<{ readonly read: readonly LedgerRecord[]; readonly unreadable: readonly string[] }>;
  /** Removes their links, identities, lists, limits and App Home. Records and events stay. */
  forget(person: RegExp): Promise<void>;
}

/** A part of all keys. KEYS: a key of the slot. ARGV: the position, the pattern, the number of keys. Returns the next position, and the keys. */
const keysScript = scriptOf(`return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])`);
const found = z.tuple([z.string(), z.array(z.string())]);

/** The records at these keys. Skips keys of other kinds. KEYS: the records' */
const recordsScript = scriptOf(`
local found = {}
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'hash' then found[#found + 1] = { key, redis.call('HGET', key, 'record') } end
end
return found
`);

/** The number of keys in one step: Redis answers no other command during it. */
const keysAtOnce = 500;
const prefix = "{eks-access}:";
/** Hashes with people in their fields or values. */
const hashes = ["link-proposals", "link-questions", "homes", "unreadable", "good-approvers"].map(
  (name) => `${prefix}${name}`,
);

/** A person's data on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisPersonData(redis: RedisClient): PersonData {
  return explained(
    { records: (person) => recordsNaming(redis, person), forget: (person) => forget(redis, person) },
    redis,
  );
}

/** All keys of a pattern, some hundred at a time. */
export async function* keysOf(redis: RedisClient, pattern: string): AsyncGenerator<readonly string[]> {
  for (let position = "0"; ; ) {
    const answer = await runScript(redis, keysScript, [prefix], [position, pattern, String(keysAtOnce)]);
    const [next, keys] = found.parse(answer);
    if (keys.length > 0) yield keys;
    if (next === "0") return;
    position = next;
  }
}

async function recordsNaming(redis: RedisClient, person: RegExp): ReturnType<PersonData["records"]> {
  const records = new Map<string, LedgerRecord>();
  const unreadable = new Set<string>();
  for await (const keys of keysOf(redis, `${recordPrefix}*`)) {
    const texts: readonly StoredText[] = storedTextsIn(await runScript(redis, recordsScript, keys, []));
    for (const [key, text] of texts.filter(([, each]) => each !== null && person.test(each))) {
      const id = key.slice(recordPrefix.length);
      const reading = readStored(kindOfRecord(id), id, text ?? "");
      if (reading.type === "read") records.set(id, reading.value);
      else unreadable.add(id);
    }
  }
  return { read: [...records.values()], unreadable: [...unreadable] };
}

async function forget(redis: RedisClient, person: RegExp): Promise<void> {
  for await (const keys of keysOf(redis, `${prefix}*`)) {
    const own = keys.filter((key) => !key.startsWith(recordPrefix) && person.test(key));
    if (own.length > 0) await redis.unlink(...own);
  }
  for (const key of hashes) {
    const fields = Object.entries(await redis.hgetall(key)).filter((field) => field.some((text) => person.test(text)));
    if (fields.length > 0) await redis.hdel(key, ...fields.map(([name]) => name));
  }
}
