import { createHash } from "node:crypto";
import { isMigrationId } from "../../access/migration/migration.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { Recent } from "../../operations/recent.ts";
import { isRequest, type LedgerRecord } from "../records.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import type { Stored, StoredReader } from "./stored.ts";

/** What the key of each record begins with, of either kind: the id says which. */
export const recordPrefix = "{eks-access}:record:";
export const recordKey = (id: string): string => `${recordPrefix}${id}`;

/**
 * One field of each of these records' hashes: one answer instead of one for each record. All of them are in the slot of the
 * key, which leads the call to the right node of a Redis Cluster. KEYS: what the key of each record begins with. ARGV: field, ids
 */
const fieldsScript = scriptOf(`
local found = {}
for i = 2, #ARGV do found[i - 1] = redis.call('HGET', KEYS[1] .. ARGV[i], ARGV[1]) end
return found
`);

/** The kind of the record with this id. */
export function kindOfRecord(id: string): RecordKind {
  return isMigrationId(id) ? "migration" : "request";
}

type RecordKind = "request" | "migration";

/** Null: there is none of this kind, or it can't be read. */
export async function readRecord<K extends RecordKind>(
  redis: RedisClient,
  reader: StoredReader,
  kind: K,
  id: string,
): Promise<Stored<K> | null> {
  return kindOfRecord(id) === kind ? reader.read(kind, id, await redis.hget(recordKey(id), "record")) : null;
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
  const digests = foundIn(await runScript(redis, digestsScript, [list, recordPrefix], []));
  const known = new Map(digests.map(([id, digest]) => [id, digest === null ? undefined : listed.get(id, digest)]));
  const unknown = digests.map(([id]) => id).filter((id) => known.get(id) === undefined);
  const found = unknown.length > 0 ? await runScript(redis, digestedScript, [recordPrefix], unknown) : [];
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
): Promise<readonly LedgerRecord[]> {
  const texts = await readFields(redis, ids, "record");
  const found = ids.map((id, index): Found => [id, texts[index] ?? null]);
  return readTexts(reader, found);
}

/** The same, without what is no request. */
export async function readRequests(
  redis: RedisClient,
  reader: StoredReader,
  ids: readonly string[],
): Promise<readonly AccessRequest[]> {
  return (await readRecords(redis, reader, ids)).filter(isRequest);
}

/** Parses these records, each as its kind, without those that can't be read. */
export async function readTexts(reader: StoredReader, found: readonly Found[]): Promise<readonly LedgerRecord[]> {
  const records = await Promise.all(found.map(([id, text]) => reader.read(kindOfRecord(id), id, text)));
  return records.filter((record) => record !== null);
}

export async function readVersions(redis: RedisClient, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const versions = await readFields(redis, ids, "version");
  return new Map(ids.flatMap((id, index) => (versions[index] ? [[id, Number(versions[index])]] : [])));
}

/** A field of each of these records, in the order of the ids; null: there is no such record. */
async function readFields(
  redis: RedisClient,
  ids: readonly string[],
  field: "record" | "version",
): Promise<readonly (string | null)[]> {
  if (ids.length === 0) return [];
  return textsIn(await runScript(redis, fieldsScript, [recordPrefix], [field, ...ids]));
}

function textsIn(found: unknown): readonly (string | null)[] {
  return Array.isArray(found) ? found.map((text) => (typeof text === "string" ? text : null)) : [];
}
