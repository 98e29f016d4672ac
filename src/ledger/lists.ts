import {
  isMigration,
  isRequest,
  type LedgerRecord,
  type ListName,
  positionInList,
  recordClosedSince,
  shouldBeGoneAt,
} from "../access/lists.ts";
import { type Migration, migrationDueAt, migrationNumber } from "../access/migration.ts";
import { type AccessRequest, type ApprovedRequest, askerOf } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import type { RedisClient } from "./client.ts";
import { indexLua, runScript, scriptOf } from "./commit-script.ts";
import { readListed, readRecords, recordKey, recordPrefix } from "./records.ts";
import { type Store, wholeOf } from "./stored.ts";

const prefix = "{eks-access}";

export const requesterKey = (user: string): string => `${prefix}:requester:${user}`;

/** All due records, by their time: the sweep reads it. */
export const dueKey = `${prefix}:due`;
/** The number of requests of each class. */
export const countsKey = `${prefix}:counts`;
export const openByClusterKey = `${prefix}:open-by-cluster`;
/** The ids of ended permanent leases without a record. */
export const permanentKey = `${prefix}:over-for-good`;
/** The closed records without any further effect, by their time. */
export const closedKey = `${prefix}:closed`;
/** The open leases, by the time when their access should be gone. */
const goneKey = `${prefix}:gone-by`;
/** The requests that extend a lease: the open ones by their creation, and the ended leases below zero. */
export const extensionsKey = (id: string): string => `${prefix}:extensions-of:${id}`;

function clusterKey(list: ListName, cluster: string): string {
  return `${prefix}:${list}-of-cluster:${cluster}`;
}

function personKey(list: ListName, user: string): string {
  return list === "all" ? requesterKey(user) : `${prefix}:${list}-of-person:${user}`;
}

/** A person's requests for others, and their own pending ones, which the limit counts. */
function askedKey(list: ListName, user: string): string {
  return `${prefix}:${list}-asked-by:${user}`;
}

export const pendingKey = (user: string): string => askedKey("pending", user);

/** Every migration of a cluster, by its number: clocks differ. */
const migrationsKey = (cluster: string): string => `${prefix}:migrations-of-cluster:${cluster}`;
/** The migrations with a due time. */
export const openMigrationsKey = `${prefix}:open-migrations`;

const maxListed = 1_000;

/** Null: the cluster has had none. What a person listed that has no record, an unreadable one or another cluster's hides no other. */
export async function latestMigration(store: Store, cluster: string): Promise<Migration | null> {
  const ids = await wholeOf(store.redis, "ZREVRANGE", migrationsKey(cluster), "0", String(maxListed - 1));
  const records = await readRecords(store, ids);
  return records.find((record): record is Migration => isMigration(record) && record.cluster === cluster) ?? null;
}

/** A sorted set, and the place in it; null: it leaves the set. */
type Listed = { readonly key: string; readonly place: number | null };

/** The sorted sets that have a record, or had it. */
export function listsOf(record: LedgerRecord): readonly Listed[] {
  const own = isMigration(record) ? listsOfMigration(record) : listsOfRequest(record);
  return [...own, { key: closedKey, place: recordClosedSince(record) }];
}

function listsOfRequest(request: AccessRequest): readonly Listed[] {
  const { cluster, requester, askedBy, extends: extended } = request;
  const lists = (["all", "pending", "leased"] as const).flatMap((list) => {
    const place = positionInList(list, request);
    const asked = askedBy !== null || list === "pending" ? [askedKey(list, askerOf(request))] : [];
    return [clusterKey(list, cluster), personKey(list, requester), ...asked].map((key) => ({ key, place }));
  });
  const place = isClosed(request) ? request.lease && -1 : Date.parse(request.createdAt);
  const extension = extended === null ? [] : [{ key: extensionsKey(extended), place }];
  return [...lists, { key: goneKey, place: shouldBeGoneAt(request) }, ...extension];
}

function listsOfMigration(migration: Migration): readonly Listed[] {
  const isOpen = migrationDueAt(migration) !== null;
  return [
    { key: migrationsKey(migration.cluster), place: migrationNumber(migration) },
    { key: openMigrationsKey, place: isOpen ? Date.parse(migration.createdAt) : null },
  ];
}

/** A cluster's requests with leases that are not over, the first to end first: the same array while the list is unchanged. */
export function readOpenLeases(store: Store, cluster: string): Promise<readonly ApprovedRequest[]> {
  return readListed(store, clusterKey("leased", cluster), cluster);
}

/** Without requests of other clusters that a person put into this cluster's list: its run would say how they ended. */
export function ofCluster<R extends AccessRequest>(cluster: string, listed: readonly R[]): readonly R[] {
  return listed.filter((request) => request.cluster === cluster);
}

/** Written without a commit, or left of a copy: else no run would find them, and a void approval would go unreported. */
async function listUnlisted(redis: RedisClient, records: readonly LedgerRecord[]): Promise<void> {
  const leased = records.filter(isRequest).filter((request) => positionInList("leased", request) !== null);
  if (leased.length === 0) return;
  const look = redis.pipeline();
  for (const { cluster, id } of leased) look.zscore(clusterKey("leased", cluster), id);
  const places = (await look.exec()) ?? [];
  for (const request of leased.filter((_, index) => (places[index]?.[1] ?? null) === null)) {
    const listed = listsOf(request).flatMap(({ key, place }) => (place === null ? [] : [{ key, place }]));
    const keys = [recordKey(request.id), ...listed.map(({ key }) => key)];
    const values = [String(request.version), request.id, ...listed.map(({ place }) => String(place))];
    await runScript(redis, listScript, keys, values);
  }
}

/** Gives a record its places, if it is unchanged since it was read. KEYS: record, lists. ARGV: version, id, the place in each list */
export const listScript = scriptOf(`${indexLua}
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
for i = 2, #KEYS do index('ZADD', KEYS[i], ARGV[i + 1], ARGV[2]) end
return 1
`);

/** The most due records in one look; the rest is due again soon. */
const maxDue = 10_000;

/**
 * The first of a list, with their places. Ids without a record leave it: someone with Redis could put a million before the others, and no
 * lease would end on time. KEYS: the list, the prefix of records' keys. ARGV: the last place, the most
 */
const firstScript = scriptOf(`
local listed, found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, 100000), {}
for i = 1, #listed, 2 do
  if redis.call('EXISTS', KEYS[2] .. listed[i]) == 0 then redis.call('ZREM', KEYS[1], listed[i])
  elseif #found < tonumber(ARGV[2]) then found[#found + 1] = { listed[i], listed[i + 1] } end
end
return found
`);

async function firstUntil(redis: RedisClient, key: string, until: Date, most: number) {
  const found = await runScript(redis, firstScript, [key, recordPrefix], [String(until.getTime()), String(most)]);
  return found as readonly (readonly [id: string, place: string])[];
}

/** An unreadable record stays due and would block others, so it is due again later. */
const lookAgainMs = 5 * 60_000;

export async function readDue(
  store: Store,
  now: Date,
  limit: number,
  isKnown: (id: string, dueAt: number) => boolean,
): Promise<readonly LedgerRecord[]> {
  const found = await firstUntil(store.redis, dueKey, now, maxDue);
  const ids = found
    .filter(([id, place]) => !isKnown(id, Number(place)))
    .map(([id]) => id)
    .slice(0, limit);
  const records = await readRecords(store, ids);
  const read = new Set(records.map(({ id }) => id));
  const missing = ids.filter((id) => !read.has(id));
  if (missing.length > 0) {
    await store.redis.zadd(dueKey, "XX", ...missing.flatMap((id) => [now.getTime() + lookAgainMs, id]));
  }
  await listUnlisted(store.redis, records);
  return records;
}

/** Ids of overdue leases, the longest overdue first. */
export async function overdueIds(redis: RedisClient, since: Date, limit: number): Promise<readonly string[]> {
  return (await firstUntil(redis, goneKey, since, limit)).map(([id]) => id);
}

/** Ids of a cluster's pending requests with something due, the longest due first. */
export async function duePendingIds(
  redis: RedisClient,
  cluster: string,
  now: Date,
  limit: number,
): Promise<readonly string[]> {
  const due = (await firstUntil(redis, dueKey, now, maxDue)).map(([id]) => id);
  if (due.length === 0) return [];
  const places = await redis.zmscore(clusterKey("pending", cluster), ...due);
  return due.filter((_, index) => places[index] != null).slice(0, limit);
}

/** Which records a list shows. */
export interface ListOf {
  readonly list: ListName;
  readonly clusters: readonly string[];
  /** They get the access, or asked for it. */
  readonly requester: string | null;
  /** Theirs of before an organization. */
  readonly olderIds?: readonly string[];
  /** `any`: of one of the clusters or of this person. `both`: of one of the clusters and of this person. */
  readonly match: "any" | "both";
}

export async function pageOfList(
  redis: RedisClient,
  of: ListOf,
  offset: number,
  limit: number,
): Promise<{ readonly ids: readonly string[]; readonly total: number }> {
  const clusters = of.clusters.map((cluster) => clusterKey(of.list, cluster));
  const people = of.requester === null ? [] : [of.requester, ...(of.olderIds ?? [])];
  const own = people.flatMap((user) => [personKey(of.list, user), askedKey(of.list, user)]);
  const newestFirst = of.list === "all";
  if (of.match === "both") {
    const ids = await idsInBoth(redis, own, clusters);
    return pageOf(newestFirst ? ids.toReversed() : ids, offset, limit);
  }
  const keys = [...clusters, ...own];
  if (keys.length === 1) return pageOfOne(redis, keys.join(), newestFirst, offset, limit);
  if (keys.length === 0) return { ids: [], total: 0 };
  // A person's own record is in several of them at the same place, which a sum would move.
  const ids = await redis.zunion(keys.length, keys, "AGGREGATE", "MIN");
  return pageOf(newestFirst ? ids.toReversed() : ids, offset, limit);
}

async function pageOfOne(redis: RedisClient, key: string, newestFirst: boolean, offset: number, limit: number) {
  const [from, to] = [String(offset), String(offset + limit - 1)];
  const [ids, total] = await Promise.all([
    newestFirst ? redis.zrevrange(key, from, to) : redis.zrange(key, from, to),
    redis.zcard(key),
  ]);
  return { ids, total };
}

/** A person has few records, so this looks them up in the clusters' lists. */
async function idsInBoth(redis: RedisClient, own: readonly string[], clusters: readonly string[]) {
  const ids = own.length === 0 ? [] : await redis.zunion(own.length, [...own], "AGGREGATE", "MIN");
  if (ids.length === 0) return [];
  const places = await Promise.all(clusters.map((cluster) => redis.zmscore(cluster, ...ids)));
  return ids.filter((_, index) => places.some((found) => found[index] != null));
}

function pageOf(ids: readonly string[], offset: number, limit: number) {
  return { ids: ids.slice(offset, offset + limit), total: ids.length };
}
