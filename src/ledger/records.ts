import { hash, randomBytes } from "node:crypto";
import { isMigrationId, isRequest, type LedgerRecord } from "../access/lists.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import type { HashField, Store, Stored } from "./stored.ts";

/** The prefix of each record's key, of either kind: the id decides. */
export const recordPrefix = "{eks-access}:record:";
export const recordKey = (id: string): string => `${recordPrefix}${id}`;
export const shownKey = (id: string) => `{eks-access}:shown:${id}`;
export const threadKey = (id: string) => `{eks-access}:thread:${id}`;
export const traceKey = (id: string) => `{eks-access}:trace:${id}`;
/** Ids of records with a newest version that no message shows yet. */
export const unshownKey = "{eks-access}:unshown";

/** Lua: a field of a record; a key of another type has an unreadable text, and so has what is too much for one answer: it delays no other record. */
export const fieldLua = `
local left = 24000000
local function field_of(key, name)
  local found = redis.pcall('HGET', key, name)
  if not found then return found end
  if type(found) == 'table' or #found > left then return '' end
  left = left - #found
  return found
end
`;

/** KEYS: a hash. ARGV: names */
const fieldsScript = scriptOf(`${fieldLua}
local found = {}
for i, name in ipairs(ARGV) do found[i] = field_of(KEYS[1], name) end
return found
`);

/** Fields of a hash, with null for an absent one, and an unreadable text for what has no end. */
export async function fieldsOf(
  redis: RedisClient,
  key: string,
  names: readonly string[],
): Promise<readonly HashField[]> {
  const texts = names.length > 0 ? await runScript(redis, fieldsScript, [key], names) : [];
  return textsIn(texts).map((text, index) => [names[index] ?? "", text]);
}

/** Letters and digits that stay distinct when read aloud. */
const alphabet = "23456789abcdefghjkmnpqrstuvwxyz";

/** A new request's id, for example `r-7k2m9x4q`: 31^8, some 850 thousand million. */
export function newRequestId(): string {
  return `r-${[...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join("")}`;
}

export function kindOfRecord(id: string): RecordKind {
  return isMigrationId(id) ? "migration" : "request";
}

type RecordKind = "request" | "migration";

/** Null: there is none of this kind, or it can't be read. */
export async function readRecord<K extends RecordKind>(store: Store, kind: K, id: string): Promise<Stored<K> | null> {
  return kindOfRecord(id) === kind ? readText(store, kind, id, await textOfRecord(store.redis, id)) : null;
}

/** Empty, so that it can't be read: the key is no hash. */
export async function textOfRecord(redis: RedisClient, id: string): Promise<string | null> {
  return (await fieldsOfRecords(redis, ["record"], [id]))[0]?.[0] ?? null;
}

/**
 * The SHA-1 of each record's text, as the commit script writes it: after a failover a version can come twice. Computing it here would
 * take as long as sending the text. So the reader sees a text that was written without a commit only after a restart. Answers with the
 * digest of all, and with the ids and their digests if the reader knows another: one text is read faster than hundreds. A list of another
 * type is empty, and one of a million ids must not stop its cluster's ends: ids without a record leave it. Part of a list would hide leases
 * that have to end: too many are refused. KEYS: list, the prefix of records' keys. ARGV: the digest that the reader knows
 */
const digestsScript = scriptOf(`
local pcall, prefix = redis.pcall, KEYS[2]
local listed, ids, digests, count = pcall('ZRANGE', KEYS[1], 0, 199999), {}, {}, 0
for _, id in ipairs(listed.err and {} or listed) do
  local digest = pcall('HGET', prefix .. id, 'sha1')
  if not digest and redis.call('EXISTS', prefix .. id) == 0 then
    redis.call('ZREM', KEYS[1], id)
  else
    count = count + 1
    if count > 20000 then return redis.error_reply('ERR more than 20000 records are in ' .. KEYS[1]) end
    ids[count] = id
    digests[count] = type(digest) == 'string' and #digest == 40 and digest or ''
  end
end
if #listed == 200000 then return redis.error_reply('ERR 200000 ids or more were in ' .. KEYS[1]) end
local texts = { table.concat(ids, '\\n'), table.concat(digests, '\\n') }
local digest = redis.sha1hex(count .. '\\n' .. texts[1] .. '\\n' .. texts[2])
if digest == ARGV[1] then return { digest } end
return { digest, texts[1], texts[2] }
`);

/** A list as Redis has it now. A person can write a line break into an id: that hides no other id, and its digests fit no known record. */
interface FoundList {
  readonly digest: string;
  readonly ids: readonly string[];
  /** Of their texts, in the same order. */
  readonly digests: readonly string[];
}

/** @param known the digest that the reader knows: then the list has no ids */
export async function findList(redis: RedisClient, list: string, known = ""): Promise<FoundList> {
  const answer = await runScript(redis, digestsScript, [list, recordPrefix], [known]);
  const [digest = "", ids, digests] = Array.isArray(answer) ? answer.map(String) : [];
  return { digest, ids: ids ? ids.split("\n") : [], digests: digests?.split("\n") ?? [] };
}

const digests = new WeakMap<LedgerRecord, string>();

/** The digest of the text that this process read or wrote as this record: two versions can have one number. "": it did neither. */
export function digestInRedis(record: LedgerRecord | null): string {
  return (record && digests.get(record)) ?? "";
}

export function rememberDigest(record: LedgerRecord, text: string): void {
  digests.set(record, hash("sha1", text));
}

async function readText<K extends RecordKind>(
  store: Store,
  kind: K,
  id: string,
  text: string | null | undefined,
): Promise<Stored<K> | null> {
  const record = await store.read(kind, id, text);
  if (record) rememberDigest(record, text ?? "");
  return record;
}

interface KnownList {
  /** Of all its ids and digests; null: a record has none, or is unreadable, so the list is read each time. */
  readonly digest: string | null;
  /** By the digests of their texts. */
  readonly records: ReadonlyMap<string, AccessRequest>;
  readonly requests: readonly ApprovedRequest[];
}

/** The most recently read one is the last. */
const knownLists = new Map<string, KnownList>();
/** Of all known lists together. */
const maxKnown = 2_000;

/** The open leases of a sorted list, in its order. Each run reads all leases of its cluster, so Redis sends only changes. */
export async function readListed(store: Store, list: string, cluster: string): Promise<readonly ApprovedRequest[]> {
  const known = knownLists.get(list);
  const found = await findList(store.redis, list, known?.digest ?? "");
  const now = known?.digest === found.digest ? known : await readChanged(store, found, known, cluster);
  knownLists.delete(list);
  knownLists.set(list, now);
  forgetOldest();
  return now.requests;
}

async function readChanged(
  store: Store,
  { digest, ids, digests }: FoundList,
  before: KnownList | undefined,
  cluster: string,
): Promise<KnownList> {
  const records = new Map<string, AccessRequest>();
  // A forged list can name one twice.
  const found = new Map<string, AccessRequest | null>();
  const unknown: (readonly [id: string, digest: string])[] = [];
  for (const [index, id] of ids.entries()) {
    const each = digests[index] ?? "";
    const known = before?.records.get(each) ?? null;
    const isKnown = known?.id === id;
    if (isKnown) records.set(each, known);
    else unknown.push([id, each]);
    found.set(id, isKnown ? known : null);
  }
  const wanted = unknown.map(([id]) => id);
  const pairs = await fieldsOfRecords(store.redis, ["record", "sha1"], wanted);
  for (const [index, id] of wanted.entries()) {
    const [text, written] = pairs[index] ?? [];
    const request = await readText(store, "request", id, text);
    found.set(id, request);
    // The digest does not fit a text that was written without a commit.
    if (request && written && written === digestInRedis(request)) records.set(written, request);
  }
  const requests: ApprovedRequest[] = [];
  for (const request of found.values()) {
    // A person can put an ended one back into the list: it would become a failed one.
    if (request?.state === "approved" && request.cluster === cluster && !isClosed(request)) requests.push(request);
  }
  // A failover can undo a change in between.
  const isWhole = unknown.every(([id, each]) => records.get(each)?.id === id);
  return { digest: isWhole ? digest : null, records, requests };
}

function forgetOldest(): void {
  let size = 0;
  for (const { records } of knownLists.values()) size += records.size;
  for (const [list, { records }] of knownLists) {
    if (size <= maxKnown) return;
    knownLists.delete(list);
    size -= records.size;
  }
}

/** A record's id, and its text; null: there is none. */
export type StoredText = readonly [id: string, text: string | null];

/** The answer of a script: a pair for each record. */
export function storedTextsIn(answer: unknown): readonly StoredText[] {
  if (!Array.isArray(answer)) return [];
  return answer.map((pair): StoredText => [String(pair[0]), typeof pair[1] === "string" ? pair[1] : null]);
}

/** An answer has an end (`client.ts`): a thousand records have some megabytes, and a large cluster's leases all together more. */
const maxAtOnce = 1_000;

/** The key leads to the right node of a Redis Cluster. KEYS: the prefix of records' keys. ARGV: the number of names, names, ids */
const recordFieldsScript = scriptOf(`${fieldLua}
local found, names = {}, tonumber(ARGV[1])
for i = names + 2, #ARGV do
  local fields = {}
  for n = 1, names do fields[n] = field_of(KEYS[1] .. ARGV[i], ARGV[n + 1]) end
  found[#found + 1] = fields
end
return found
`);

/** For each id the fields with these names; null: there is none. */
export async function fieldsOfRecords(redis: RedisClient, names: readonly string[], ids: readonly string[]) {
  const found: (readonly (string | null)[])[] = [];
  for (let from = 0; from < ids.length; from += maxAtOnce) {
    const asked = [String(names.length), ...names, ...ids.slice(from, from + maxAtOnce)];
    const answer = await runScript(redis, recordFieldsScript, [recordPrefix], asked);
    if (Array.isArray(answer)) found.push(...answer.map(textsIn));
  }
  return found;
}

/** In the order of the ids, without absent ones. */
export async function readRecords(store: Store, ids: readonly string[]): Promise<readonly LedgerRecord[]> {
  const found = await fieldsOfRecords(store.redis, ["record"], ids);
  return readTexts(
    store,
    ids.map((id, index): StoredText => [id, found[index]?.[0] ?? null]),
  );
}

/** The same, for requests alone. */
export async function readRequests(store: Store, ids: readonly string[]): Promise<readonly AccessRequest[]> {
  return (await readRecords(store, ids)).filter(isRequest);
}

export async function readTexts(store: Store, found: readonly StoredText[]): Promise<readonly LedgerRecord[]> {
  const records = await Promise.all(found.map(([id, text]) => readText(store, kindOfRecord(id), id, text)));
  return records.filter((record) => record !== null);
}

function textsIn(found: unknown): readonly (string | null)[] {
  return Array.isArray(found) ? found.map((text) => (typeof text === "string" ? text : null)) : [];
}
