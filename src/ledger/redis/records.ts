import type { AccessRequest } from "../../access/request/record.ts";
import { Recent } from "../../operations/recent.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./script.ts";

/** What the key of each record of a kind begins with. */
export const requestPrefix = "{eks-access}:request:";
export const requestKey = (id: string): string => `${requestPrefix}${id}`;

/**
 * One field of each of these records' hashes: one answer instead of one for each record. All of them are in the slot of the
 * key, which leads the call to the right node of a Redis Cluster. KEYS: what the key of each record begins with. ARGV: field, ids
 */
const fieldsScript = scriptOf(`
local found = {}
for i = 2, #ARGV do found[i - 1] = redis.call('HGET', KEYS[1] .. ARGV[i], ARGV[1]) end
return found
`);

export async function readRecord(redis: RedisClient, id: string): Promise<AccessRequest | null> {
  const text = await redis.hget(requestKey(id), "record");
  const [record = null] = remembered([{ id, text }]);
  return record;
}

/** The ids and records that a sorted list has, in its order, in one answer. KEYS: list, what the key of each record begins with */
const listedScript = scriptOf(`
local found = {}
for i, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  found[2 * i - 1] = id
  found[2 * i] = redis.call('HGET', KEYS[2] .. id, 'record')
end
return found
`);

export async function readListed(redis: RedisClient, list: string): Promise<readonly AccessRequest[]> {
  return remembered(await listed(redis, list, requestPrefix));
}

/** The texts of the records that a sorted list has, in its order; null: it is gone. */
export async function listedTexts(
  redis: RedisClient,
  list: string,
  recordPrefix: string,
): Promise<readonly (string | null)[]> {
  return (await listed(redis, list, recordPrefix)).map(({ text }) => text);
}

interface StoredText {
  readonly id: string;
  /** Null: there is no such record. */
  readonly text: string | null;
}

async function listed(redis: RedisClient, list: string, recordPrefix: string): Promise<readonly StoredText[]> {
  const found = textsIn(await runScript(redis, listedScript, [list, recordPrefix], []));
  return found.flatMap((id, index) => (index % 2 === 0 && id !== null ? [{ id, text: found[index + 1] ?? null }] : []));
}

/** In the order of the ids, without those that there are none of. */
export async function readRecords(redis: RedisClient, ids: readonly string[]): Promise<readonly AccessRequest[]> {
  const texts = await readFields(redis, requestPrefix, ids, "record");
  return remembered(ids.map((id, index) => ({ id, text: texts[index] ?? null })));
}

/** The records that are there, in the order of the texts. */
export function recordsIn(texts: readonly (string | null)[]): readonly AccessRequest[] {
  return texts.flatMap((text) => (text === null ? [] : [parse(text)]));
}

/** Each run reads all grants of its cluster, and hardly one has changed. Of some 1,500 records. */
const parsed = new Recent<AccessRequest>(4 * 1024 * 1024);

function remembered(stored: readonly StoredText[]): readonly AccessRequest[] {
  return stored.flatMap(({ id, text }) => (text === null ? [] : [parsed.of(id, text, () => parse(text))]));
}

function parse(text: string): AccessRequest {
  return JSON.parse(text) as AccessRequest;
}

export async function readVersions(redis: RedisClient, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const versions = await readFields(redis, requestPrefix, ids, "version");
  return new Map(ids.flatMap((id, index) => (versions[index] ? [[id, Number(versions[index])]] : [])));
}

/** A field of each of these records, in the order of the ids; null: there is no such record. */
export async function readFields(
  redis: RedisClient,
  recordPrefix: string,
  ids: readonly string[],
  field: "record" | "version",
): Promise<readonly (string | null)[]> {
  if (ids.length === 0) return [];
  return textsIn(await runScript(redis, fieldsScript, [recordPrefix], [field, ...ids]));
}

function textsIn(found: unknown): readonly (string | null)[] {
  return Array.isArray(found) ? found.map((text) => (typeof text === "string" ? text : null)) : [];
}
