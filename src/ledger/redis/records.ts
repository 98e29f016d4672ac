import { createHash } from "node:crypto";
import type { AccessRequest } from "../../access/request/record.ts";
import { Recent } from "../../operations/recent.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import type { StoredReader } from "./stored.ts";

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

export async function readRecord(redis: RedisClient, reader: StoredReader, id: string): Promise<AccessRequest | null> {
  return reader.read("request", id, await redis.hget(requestKey(id), "record"));
}

/**
 * The SHA-1 of each record's text, as the commit script writes it; a version can come twice, after a failover. It is not worked out
 * here, which would take as long as sending the text. So a text that is written into Redis alone is not seen until a restart.
 * KEYS: list, what the key of each record begins with
 */
const digestsScript = scriptOf(`
local found = {}
for i, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do found[i] = { id, redis.call('HGET', KEYS[2] .. id, 'sha1') } end
return found
`);

/** These records, each with its digest. KEYS: what the key of each record begins with. ARGV: ids */
const digestedScript = scriptOf(`
local found = {}
for i, id in ipairs(ARGV) do found[i] = redis.call('HMGET', KEYS[1] .. id, 'record', 'sha1') end
return found
`);

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

/** Of some 2,000 records. */
const listed = new Recent<AccessRequest>(2_000 * 40);

/** The records that a sorted list has, in its order. Each run reads all leases of its cluster: only what changed is sent. */
export async function readListed(
  redis: RedisClient,
  reader: StoredReader,
  list: string,
): Promise<readonly AccessRequest[]> {
  const digests = foundIn(await runScript(redis, digestsScript, [list, requestPrefix], []));
  const known = new Map(digests.map(([id, digest]) => [id, digest === null ? undefined : listed.get(id, digest)]));
  const unknown = digests.map(([id]) => id).filter((id) => known.get(id) === undefined);
  const found = unknown.length > 0 ? await runScript(redis, digestedScript, [requestPrefix], unknown) : [];
  const pairs = Array.isArray(found) ? found.map(textsIn) : [];
  for (const [index, id] of unknown.entries()) {
    const [text, digest] = pairs[index] ?? [];
    const request = await reader.read("request", id, text);
    if (request === null) continue;
    known.set(id, request);
    // Not one of a text that was written beside it.
    if (digest && digest === sha1(text ?? "")) listed.set(id, digest, request);
  }
  return digests.flatMap(([id]) => known.get(id) ?? []);
}

/** The records that a sorted list has, in its order, in one answer. KEYS: list, what the key of each record begins with */
const listedScript = scriptOf(`
local found = {}
for i, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  found[i] = { id, redis.call('HGET', KEYS[2] .. id, 'record') }
end
return found
`);

/** The ids that a sorted list has, in its order, each with the text of its record. */
export async function listedTexts(redis: RedisClient, list: string, recordPrefix: string): Promise<readonly Found[]> {
  return foundIn(await runScript(redis, listedScript, [list, recordPrefix], []));
}

/** A record's id, and its text; null: there is none. */
export type Found = readonly [id: string, text: string | null];

/** What a script answers with a pair for each record. */
export function foundIn(answer: unknown): readonly Found[] {
  if (!Array.isArray(answer)) return [];
  return answer.map((pair): Found => [String(pair[0]), typeof pair[1] === "string" ? pair[1] : null]);
}

/** In the order of the ids, without those that there are none of. */
export async function readRecords(
  redis: RedisClient,
  reader: StoredReader,
  ids: readonly string[],
): Promise<readonly AccessRequest[]> {
  return reader.readAll("request", await textsOf(redis, requestPrefix, ids));
}

/** These ids, each with the text of its record. */
export async function textsOf(
  redis: RedisClient,
  recordPrefix: string,
  ids: readonly string[],
): Promise<readonly Found[]> {
  const texts = await readFields(redis, recordPrefix, ids, "record");
  return ids.map((id, index): Found => [id, texts[index] ?? null]);
}

export async function readVersions(redis: RedisClient, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const versions = await readFields(redis, requestPrefix, ids, "version");
  return new Map(ids.flatMap((id, index) => (versions[index] ? [[id, Number(versions[index])]] : [])));
}

/** A field of each of these records, in the order of the ids; null: there is no such record. */
async function readFields(
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
