import { hash } from "node:crypto";
import { isMigrationId, isRequest, type LedgerRecord } from "../access/lists.ts";
import type { AccessRequest } from "../access/record.ts";
import type { RedisClient } from "./client.ts";
import { listPrefix, runScript, scriptOf } from "./commit-script.ts";
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
 * What changed in a list since the note that the reader knows, or the whole list: for each record its id, its place (null: none), its text,
 * and the SHA-1 of the text as the commit script wrote it. Computing it here would take as long as sending the text. A list of another
 * type is empty. KEYS: list, its changes, the prefix of records' keys. ARGV: the note that the reader knows, ids to read again
 * Returns the newest note, the SHA-1 of the list's ids, what was found, and 1 if that is the whole list.
 */
const changedScript = scriptOf(`${fieldLua}
local listed = redis.pcall('ZRANGE', KEYS[1], 0, -1)
if listed.err then listed = {} end
local newest = redis.pcall('LINDEX', KEYS[2], 0)
local at = ARGV[1] ~= '' and #listed > 0 and redis.pcall('LPOS', KEYS[2], ARGV[1])
local isWhole = type(at) ~= 'number'
local ids = isWhole and listed or {}
for i = 2, isWhole and 1 or #ARGV do ids[#ids + 1] = ARGV[i] end
for _, note in ipairs(not isWhole and at > 0 and redis.call('LRANGE', KEYS[2], 0, at - 1) or {}) do
  ids[#ids + 1] = string.match(note, ' (.*)')
end
local found, seen = {}, {}
for _, id in ipairs(ids) do
  local key = KEYS[3] .. id
  if not seen[id] then
    found[#found + 1] = { id, redis.call('ZSCORE', KEYS[1], id), field_of(key, 'record'), field_of(key, 'sha1') }
  end
  seen[id] = true
end
newest = type(newest) == 'string' and newest or ''
return { newest, redis.sha1hex(table.concat(listed, '\\n')), found, isWhole and 1 or 0 }
`);

type Changed = readonly [id: string, place: string | null, text: string | null, digest: string | null];

interface KnownRecord {
  readonly place: number;
  /** Null: it can't be read. */
  readonly request: AccessRequest | null;
  /** The SHA-1 that its last commit wrote. */
  readonly digest: string | null;
}

interface KnownList {
  /** The newest note of a change; empty: there is none, so the whole list is read each time. */
  readonly newest: string;
  /** The SHA-1 of its ids, in their order. */
  readonly ids: string;
  readonly records: ReadonlyMap<string, KnownRecord>;
  /** Ids of records that can't be read, or were written without a commit: they are read each time. */
  readonly doubtful: readonly string[];
  readonly requests: readonly AccessRequest[];
  /** When all digests were last compared. Milliseconds since the epoch. */
  readonly comparedAt: number;
}

const nothingKnown: KnownList = {
  ...{ newest: "", ids: "", records: new Map(), doubtful: [], requests: [] },
  comparedAt: 0,
};

/** A process of an older version notes no changes, and a person with Redis can hide notes. */
const compareEveryMs = 5_000;

/** The most recently read one is the last. */
const knownLists = new Map<string, KnownList>();
/** Of all known lists together. */
const maxKnown = 2_000;

/**
 * A cluster's records with leases, in the order of their list. Each run reads them several times, so Redis sends only changes. A text that
 * was written without a commit is seen only after a restart, or if its digest or the list's ids are others then.
 */
export async function readLeased(
  redis: RedisClient,
  reader: StoredReader,
  cluster: string,
): Promise<readonly AccessRequest[]> {
  const now = await readChanges(redis, reader, cluster, knownLists.get(cluster) ?? nothingKnown);
  knownLists.delete(cluster);
  knownLists.set(cluster, now);
  forgetOldest();
  return now.requests;
}

async function readChanges(
  redis: RedisClient,
  reader: StoredReader,
  cluster: string,
  known: KnownList,
): Promise<KnownList> {
  const keys = [listPrefix("leased") + cluster, listPrefix("changes") + cluster, recordPrefix];
  const isDue = Math.abs(Date.now() - known.comparedAt) >= compareEveryMs;
  const comparedAt = isDue ? Date.now() : known.comparedAt;
  const unnoted = isDue ? await otherThan(redis, known.records) : [];
  const answer = await runScript(redis, changedScript, keys, [known.newest, ...known.doubtful, ...unnoted]);
  const [newest, ids, found, isWhole] = answer as readonly [string, string, readonly Changed[], 0 | 1];
  if (!isWhole && found.length === 0 && ids === known.ids) return { ...known, comparedAt };
  const records = new Map(isWhole ? [] : known.records);
  const doubtful: string[] = [];
  for (const [id, place, text, digest] of found) {
    records.delete(id);
    if (place === null) continue;
    const request = await reader.read("request", id, text);
    records.set(id, { place: Number(place), request, digest });
    if (request === null || digest !== sha1(text ?? "")) doubtful.push(id);
  }
  const inOrder = [...records].sort(([a, { place: from }], [b, { place: to }]) => from - to || (a < b ? -1 : 1));
  // A person changed the list without a commit.
  if (!isWhole && ids !== sha1(inOrder.map(([id]) => id).join("\n")))
    return readChanges(redis, reader, cluster, nothingKnown);
  const requests: AccessRequest[] = [];
  for (const [, { request }] of inOrder) if (request) requests.push(request);
  return { newest, ids, records, doubtful, requests, comparedAt };
}

/** Ids of the records that a commit has changed since. */
async function otherThan(redis: RedisClient, records: KnownList["records"]): Promise<readonly string[]> {
  if (records.size === 0) return [];
  const ids = [...records.keys()];
  const found = (await runScript(redis, versionsScript, [recordPrefix], ids)) as readonly [number, string][];
  return ids.filter((id, index) => found[index]?.[1] !== (records.get(id)?.digest ?? ""));
}

const sha1 = (text: string) => hash("sha1", text);

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

/** Before a failover, the old server can still answer for some time, with changes that the new one never gets. */
const ownCommitsKeptMs = 5 * 60_000;

/** Redis does nothing else during one call. */
const versionsAtOnce = 1_000;

/** The version of each record, and the SHA-1 of its text; 0: there is none. KEYS: the prefix of records' keys. ARGV: ids */
const versionsScript = scriptOf(`${fieldLua}
local found = {}
for i, id in ipairs(ARGV) do
  local key = KEYS[1] .. id
  found[i] = { tonumber(field_of(key, 'version') or '') or 0, field_of(key, 'sha1') or '' }
end
return found
`);

interface Committed {
  readonly version: number;
  readonly digest: string;
  /** This process has committed the same version before: messages can show that one. */
  readonly isAnother: boolean;
  readonly cluster: string;
  readonly atMs: number;
}

export interface UndoneLedger {
  /** Once for each record of which a failover of Redis lost a version of this process, or again later. Null: nothing is left of it. */
  eachUndone(act: (cluster: string, left: LedgerRecord | null) => Promise<"done" | "again">): Promise<void>;
}

/** The newest version of each record that this process committed in the last minutes. */
export class OwnCommits {
  readonly #known = new Map<string, Committed>();

  add(record: LedgerRecord): void {
    const { id, version, cluster } = record;
    const isAnother = version <= (this.#known.get(id)?.version ?? 0);
    this.#known.set(id, { version, digest: sha1(JSON.stringify(record)), isAnother, cluster, atMs: Date.now() });
  }

  async eachUndone(
    redis: RedisClient,
    reader: StoredReader,
    act: Parameters<UndoneLedger["eachUndone"]>[0],
  ): Promise<void> {
    // A commit during the look is not compared with an answer from before it.
    const known = [...this.#known];
    for (let from = 0; from < known.length; from += versionsAtOnce) {
      const some = known.slice(from, from + versionsAtOnce);
      const ids = some.map(([id]) => id);
      const found = (await runScript(redis, versionsScript, [recordPrefix], ids)) as readonly [number, string][];
      for (const [index, [id, committed]] of some.entries()) {
        const [version, digest] = found[index] ?? [0, ""];
        const isLost = version < committed.version || (version === committed.version && digest !== committed.digest);
        const isUndone = isLost || committed.isAnother;
        const isOver = isUndone || Date.now() - committed.atMs > ownCommitsKeptMs;
        if (isOver && this.#known.get(id) === committed) this.#known.delete(id);
        if (isUndone) await this.#undone(redis, reader, id, committed, act);
      }
    }
  }

  #keep(id: string, committed: Committed): void {
    if (!this.#known.has(id)) this.#known.set(id, committed);
  }

  /** What fails is found again. */
  async #undone(
    redis: RedisClient,
    reader: StoredReader,
    id: string,
    committed: Committed,
    act: Parameters<UndoneLedger["eachUndone"]>[0],
  ): Promise<void> {
    const done = await act(committed.cluster, (await readRecords(redis, reader, [id]))[0] ?? null).catch(
      (error: unknown) => {
        this.#keep(id, committed);
        throw error;
      },
    );
    if (done === "again") this.#keep(id, committed);
  }
}
