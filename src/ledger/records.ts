import { hash } from "node:crypto";
import { isMigrationId, isRequest, type LedgerRecord } from "../access/lists.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import { readOr, type Stored, type StoredReader } from "./stored.ts";

/** The prefix of each record's key, of either kind: the id decides. */
export const recordPrefix = "{eks-access}:record:";
export const recordKey = (id: string): string => `${recordPrefix}${id}`;
export const shownKey = (id: string) => `{eks-access}:shown:${id}`;
export const threadKey = (id: string) => `{eks-access}:thread:${id}`;
export const traceKey = (id: string) => `{eks-access}:trace:${id}`;
/** Ids of records with a newest version that no message shows yet. */
export const unshownKey = "{eks-access}:unshown";

/** Lua: a field of a record; a key of another type has an unreadable text, so that it delays no other record. */
export const fieldLua = `
local function field_of(key, name)
  local found = redis.pcall('HGET', key, name)
  return type(found) == 'table' and '' or found
end
`;

/** In one answer; the key leads to the right node of a Redis Cluster. KEYS: the prefix of records' keys. ARGV: ids */
const textsScript = scriptOf(`${fieldLua}
local found = {}
for i, id in ipairs(ARGV) do found[i] = field_of(KEYS[1] .. id, 'record') end
return found
`);

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
  return kindOfRecord(id) === kind ? reader.read(kind, id, await textOfRecord(redis, id)) : null;
}

/** Empty, so that it can't be read: the key is no hash. */
export function textOfRecord(redis: RedisClient, id: string): Promise<string | null> {
  return readOr("", redis.hget(recordKey(id), "record"));
}

/**
 * The SHA-1 of each record's text, as the commit script writes it: after a failover a version can come twice. Computing it here would
 * take as long as sending the text. So the reader sees a text that was written without a commit only after a restart. Answers with the
 * digest of all, and with each one if the reader knows another: a line for each record, because one text is read faster than hundreds.
 * Most lists are unchanged, so the lines are made last. A list of another type is empty. KEYS: list, the prefix of records' keys. ARGV:
 * the digest that the reader knows
 */
const digestsScript = scriptOf(`${fieldLua}
local ids, digests = redis.pcall('ZRANGE', KEYS[1], 0, -1), {}
if ids.err then ids = {} end
for i, id in ipairs(ids) do digests[i] = field_of(KEYS[2] .. id, 'sha1') or '' end
local digest = redis.sha1hex(#ids .. '\\n' .. table.concat(ids, '\\n') .. '\\n' .. table.concat(digests, '\\n'))
if digest == ARGV[1] then return { digest } end
for i, id in ipairs(ids) do ids[i] = id .. ' ' .. digests[i] end
return { digest, table.concat(ids, '\\n') }
`);

/** Each id with its digest, or with an empty text. A person can write an id with a line break, but no id twice. */
function digestsIn(found: unknown): ReadonlyMap<string, string> {
  if (typeof found !== "string" || found === "") return new Map();
  const digests = new Map<string, string>();
  for (const line of found.split("\n")) {
    const end = line.lastIndexOf(" ");
    digests.set(line.slice(0, end), line.slice(end + 1));
  }
  return digests;
}

/** These records, each with its digest. KEYS: the prefix of records' keys. ARGV: ids */
const digestedScript = scriptOf(`${fieldLua}
local found = {}
for i, id in ipairs(ARGV) do
  local key = KEYS[1] .. id
  found[i] = { field_of(key, 'record'), field_of(key, 'sha1') }
end
return found
`);

export const sha1 = (text: string) => hash("sha1", text);

interface KnownList {
  /** Of all its ids and digests; null: a record has none, or is unreadable, so the list is read each time. */
  readonly digest: string | null;
  readonly records: ReadonlyMap<string, { readonly digest: string; readonly request: AccessRequest }>;
  readonly requests: readonly ApprovedRequest[];
}

type IsOpen = (request: AccessRequest) => request is ApprovedRequest;

/** The most recently read one is the last. */
const knownLists = new Map<string, KnownList>();
/** Of all known lists together. */
const maxKnown = 2_000;

/** The open requests of a sorted list, in its order. Each run reads all leases of its cluster, so Redis sends only changes. */
export async function readListed(
  redis: RedisClient,
  reader: StoredReader,
  list: string,
  isOpen: IsOpen,
): Promise<readonly ApprovedRequest[]> {
  const known = knownLists.get(list);
  const answer = await runScript(redis, digestsScript, [list, recordPrefix], [known?.digest ?? ""]);
  const [digest, found] = Array.isArray(answer) ? answer : [];
  const isSame = known !== undefined && digest === known.digest;
  const now = isSame ? known : await readChanged(redis, reader, String(digest), digestsIn(found), known, isOpen);
  knownLists.delete(list);
  knownLists.set(list, now);
  forgetOldest();
  return now.requests;
}

async function readChanged(
  redis: RedisClient,
  reader: StoredReader,
  digest: string,
  digests: ReadonlyMap<string, string>,
  before: KnownList | undefined,
  isOpen: IsOpen,
): Promise<KnownList> {
  const records = new Map<string, { readonly digest: string; readonly request: AccessRequest }>();
  const unknown: string[] = [];
  for (const [id, each] of digests) {
    const known = before?.records.get(id);
    if (known && known.digest === each) records.set(id, known);
    else unknown.push(id);
  }
  const found = unknown.length > 0 ? await runScript(redis, digestedScript, [recordPrefix], unknown) : [];
  const pairs = Array.isArray(found) ? found.map(textsIn) : [];
  const passing = new Map<string, AccessRequest>();
  for (const [index, id] of unknown.entries()) {
    const [text, written] = pairs[index] ?? [];
    const request = await reader.read("request", id, text);
    if (request === null) continue;
    // The digest does not fit a text that was written without a commit.
    if (written && written === sha1(text ?? "")) records.set(id, { digest: written, request });
    else passing.set(id, request);
  }
  const requests: ApprovedRequest[] = [];
  for (const id of digests.keys()) {
    const request = records.get(id)?.request ?? passing.get(id);
    if (request && isOpen(request)) requests.push(request);
  }
  // A failover can undo a change in between.
  const isWhole = unknown.every((id) => records.get(id)?.digest === digests.get(id));
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

/** In the order of the ids, without absent ones. */
export async function readRecords(
  redis: RedisClient,
  reader: StoredReader,
  ids: readonly string[],
): Promise<readonly LedgerRecord[]> {
  if (ids.length === 0) return [];
  const texts = textsIn(await runScript(redis, textsScript, [recordPrefix], ids));
  return readTexts(
    reader,
    ids.map((id, index): StoredText => [id, texts[index] ?? null]),
  );
}

/** The same, for requests alone. */
export async function readRequests(
  redis: RedisClient,
  reader: StoredReader,
  ids: readonly string[],
): Promise<readonly AccessRequest[]> {
  return (await readRecords(redis, reader, ids)).filter(isRequest);
}

export async function readTexts(reader: StoredReader, found: readonly StoredText[]): Promise<readonly LedgerRecord[]> {
  const records = await Promise.all(found.map(([id, text]) => reader.read(kindOfRecord(id), id, text)));
  return records.filter((record) => record !== null);
}

function textsIn(found: unknown): readonly (string | null)[] {
  return Array.isArray(found) ? found.map((text) => (typeof text === "string" ? text : null)) : [];
}
