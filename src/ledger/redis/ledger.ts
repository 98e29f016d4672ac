import { type AuditEvent, canonicalJson, digestOfEvent, type Json } from "../../access/audit/event.ts";
import { isMigrationId } from "../../access/migration/migration.ts";
import { classOf, closedSince, leavesItsId } from "../../access/request/lists.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { dueAt, isClosed } from "../../access/request/request.ts";
import type { CommitResult, EventLedger, Ledger, LedgerChange, RequestLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { type ClosedKind, removeRecord, takeClosed } from "./closed.ts";
import { redisClusters, redisTurns } from "./clusters.ts";
import { commitScript, noteScript, runScript } from "./commit-script.ts";
import { appendEvent, chainHeadKey, eventsKey, logKey, readEvents, readEventsOf } from "./events.ts";
import { reach } from "./explain-redis-error.ts";
import { redisLinks } from "./links.ts";
import {
  closedKey,
  duePendingIds,
  extensionsKey,
  listsOf,
  listUnlisted,
  pageOfList,
  pendingKey,
  readGranted,
  requesterKey,
} from "./lists.ts";
import { redisMessages, shownKey, threadKey, traceKey, unshownKey } from "./messages.ts";
import { migrationKey, redisMigrations } from "./migrations.ts";
import { readRecord, readRecords, readVersions, requestKey, requestPrefix } from "./records.ts";
import { readStored, type StoredReader, storedReader, type UnreadableLog, unreadableSentence } from "./stored.ts";

/** How many records there are of each class. */
const countsKey = "{eks-access}:counts";

/** How many records of each cluster are open. */
const openByClusterKey = "{eks-access}:open-by-cluster";

/** The ids of permanent leases that are over and whose records were removed. */
const forGoodKey = "{eks-access}:over-for-good";

const closedRequests: ClosedKind<"request"> = {
  kind: "request",
  recordPrefix: requestPrefix,
  closed: closedKey,
  since: closedSince,
};

/** All keys carry one hash tag, so that they live in one slot of a Redis Cluster and scripts may touch them together. */
const prefix = "{eks-access}";
const keys = {
  request: requestKey,
  open: (cluster: string) => `${prefix}:open:${cluster}`,
  requester: requesterKey,
  due: `${prefix}:due`,
  unshown: unshownKey,
  chainHead: chainHeadKey,
  events: eventsKey,
} as const;

/** The ledger on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisLedger(redis: RedisClient, log: UnreadableLog = { error: () => {} }): Ledger {
  const reader = storedReader(redis, log);
  return {
    ...redisRequests(redis, reader),
    ...redisMessages(redis, reader),
    ...redisEvents(redis),
    ...redisLinks(redis, reader),
    ...redisTurns(redis),
    ...redisClusters(redis, reader),
    migrations: redisMigrations(redis, reader),
  };
}

function redisRequests(redis: RedisClient, reader: StoredReader): RequestLedger {
  return {
    get: (id) => reach(() => readRecord(redis, reader, id)),
    whyUnreadable: (id) => reach(() => whyUnreadable(redis, id)),
    commit: (change) => reach(() => commit(redis, reader, change)),
    due: (now, limit) =>
      reach(async () => {
        const ids = await redis.zrangebyscore(keys.due, "-inf", now.getTime(), "LIMIT", 0, limit);
        const requests = await readRecords(redis, reader, ids);
        await putOffMissing(redis, ids, requests, now);
        await listUnlisted(redis, requests);
        return requests;
      }),
    grantedOf: (cluster) => reach(() => readGranted(redis, reader, cluster)),
    duePendingOf: (cluster, now, limit) =>
      reach(async () => readRecords(redis, reader, await duePendingIds(redis, keys.due, cluster, now, limit))),
    counts: () => reach(() => readCounts(redis, countsKey)),
    openByCluster: () => reach(() => readCounts(redis, openByClusterKey)),
    versions: (ids) => reach(() => readVersions(redis, ids)),
    ofRequester: (user, limit) =>
      reach(async () => readRecords(redis, reader, await redis.zrevrange(keys.requester(user), 0, limit - 1))),
    list: (of, offset, limit) =>
      reach(async () => {
        const { ids, total } = await pageOfList(redis, of, offset, limit);
        return { requests: await readRecords(redis, reader, ids), total };
      }),
    takeClosed: (taking) => reach(() => takeClosed(redis, reader, closedRequests, taking)),
    remove: (request, logForMs) => reach(() => remove(redis, request, logForMs)),
    isOverForGood: (id) => reach(async () => (await redis.sismember(forGoodKey, id)) === 1),
  };
}

async function commit(
  redis: RedisClient,
  reader: StoredReader,
  { after, event, mostPending }: LedgerChange,
): Promise<CommitResult> {
  const due = dueAt(after);
  const lists = listsOf(after);
  const places = [
    ...[keys.request(after.id), keys.due, keys.unshown, keys.open(after.cluster), keys.requester(after.requester)],
    ...[keys.chainHead, keys.events, logKey(after.id), countsKey, openByClusterKey],
  ];
  const values = [
    ...[String(after.version - 1), JSON.stringify(after), after.id, due === null ? "" : String(due)],
    ...[isClosed(after) ? "closed" : "open", String(Date.parse(after.createdAt))],
    ...[event ? canonicalJson(asJson(event)) : "", event ? digestOfEvent(event) : "", classOf(after), after.cluster],
  ];
  const all = [...places, ...lists.map(({ key }) => key)];
  const waiting = all.indexOf(pendingKey(after.requester)) + 1;
  const written = await runScript(redis, commitScript, all, [
    ...[...values, ...lists.map(({ place }) => (place === null ? "" : String(place)))],
    ...[String(waiting), mostPending === undefined ? "" : String(mostPending)],
  ]);
  if (written === 1) return { type: "committed" };
  const current = await readRecord(redis, reader, after.id);
  // A connection that broke after the script had run: ioredis sent it again, and the first run had won.
  if (current && canonicalJson(asJson(current)) === canonicalJson(asJson(after))) return { type: "committed" };
  return { type: "conflict", current };
}

function remove(redis: RedisClient, request: AccessRequest, logForMs: number | null): Promise<boolean> {
  const { id, version, requester } = request;
  const { due, unshown } = keys;
  const of = { record: keys.request(id), extensions: extensionsKey(id), log: logKey(id), trace: traceKey(id) };
  const told = { shown: shownKey(id), thread: threadKey(id) };
  const sets = [keys.requester(requester), ...listsOf(request).map(({ key }) => key)];
  return removeRecord(redis, {
    id,
    version,
    keys: { ...of, ...told, due, unshown, counts: countsKey, forGood: forGoodKey, sets },
    logForMs,
    leavesItsId: leavesItsId(request),
  });
}

/** What can't be read stays due, and would take the places of the others: it is looked at again later. */
const lookAgainMs = 5 * 60_000;

async function putOffMissing(
  redis: RedisClient,
  ids: readonly string[],
  found: readonly AccessRequest[],
  now: Date,
): Promise<void> {
  if (found.length === ids.length) return;
  const read = new Set(found.map(({ id }) => id));
  const missing = ids.filter((id) => !read.has(id));
  await redis.zadd(keys.due, "XX", ...missing.flatMap((id) => [now.getTime() + lookAgainMs, id]));
}

async function whyUnreadable(redis: RedisClient, id: string): Promise<string | null> {
  const [kind, key] = isMigrationId(id)
    ? (["migration", migrationKey(id)] as const)
    : (["request", requestKey(id)] as const);
  const text = await redis.hget(key, "record");
  const reading = text === null ? null : readStored(kind, id, text);
  return reading?.type === "unreadable" ? unreadableSentence(kind, id, reading.problem) : null;
}

function asJson(value: AccessRequest | AuditEvent): Json {
  return value as unknown as Json;
}

/** The counts that the commits keep (src/ledger/redis/commit-script.ts). */
async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = Object.entries(await redis.hgetall(key));
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}

/** The events, on Redis. */
function redisEvents(redis: RedisClient): EventLedger {
  return {
    note: (event) => reach(() => noteEvent(redis, event)),
    append: (event) => reach(() => appendEvent(redis, event)),
    events: (from, limit) => reach(() => readEvents(redis, from, limit)),
    eventsOf: (id, limit) => reach(() => readEventsOf(redis, id, limit)),
  };
}

/** Appends an event that changes no record: among those of its request, or its migration, where there is one. */
async function noteEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const { request } = event;
  const record = isMigrationId(request) ? migrationKey(request) : requestKey(request);
  const places = [record, chainHeadKey, eventsKey, logKey(request)];
  await redis.eval(noteScript, places.length, ...places, canonicalJson(event as unknown as Json), digestOfEvent(event));
}
