import type { AuditEvent } from "../access/audit-event.ts";
import { classOf, isMigration, type LedgerRecord, recordDueAt } from "../access/lists.ts";
import { askerOf } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import { canonicalJson, type Json } from "../access/seal.ts";
import { isTraceParent, type RequestTraces, type TraceParent } from "../operations/traced.ts";
import { explained, type RedisClient } from "./client.ts";
import { removeRecord, takeClosed } from "./closed.ts";
import { redisClusters } from "./clusters.ts";
import {
  chainHeadKey,
  chainText,
  commitScript,
  eventsKey,
  logKey,
  markShownScript,
  noteScript,
  runScript,
} from "./commit-script.ts";
import { redisFleet } from "./fleet.ts";
import type {
  CommitResult,
  EventLedger,
  Ledger,
  LedgerChange,
  MessageLedger,
  MigrationLedger,
  RecordLedger,
  RequestLedger,
} from "./ledger.ts";
import { redisLinks } from "./links.ts";
import {
  countsKey,
  dueKey,
  duePendingIds,
  extensionsKey,
  latestMigrationId,
  listsOf,
  listUnlisted,
  maxDue,
  ofCluster,
  openByClusterKey,
  openMigrationsKey,
  overdueIds,
  pageOfList,
  pendingKey,
  permanentKey,
  readOpenLeases,
  requesterKey,
} from "./lists.ts";
import { OwnCommits, type UndoneLedger } from "./own-commits.ts";
import {
  kindOfRecord,
  readRecord,
  readRecords,
  readRequests,
  recordKey,
  shownKey,
  textOfRecord,
  threadKey,
  traceKey,
  unshownKey,
} from "./records.ts";
import { appendEvent, logFlaw, readEvents, readEventsOf } from "./redis-audit-log.ts";
import {
  readOr,
  readStored,
  type ShownMessages,
  type StoredReader,
  storedReader,
  type UnreadableLog,
  unreadableSentence,
} from "./stored.ts";
import { redisTurns } from "./turns.ts";

/** The ledger on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisLedger(redis: RedisClient, log: UnreadableLog = { error: () => {} }): Ledger & UndoneLedger {
  const reader = storedReader(redis, log);
  const ports = {
    ...redisRecords(redis, reader),
    ...redisRequests(redis, reader),
    ...redisMessages(redis, reader),
    ...redisEvents(redis),
    ...redisLinks(redis, reader),
    ...redisTurns(redis),
    ...redisClusters(redis, reader),
    ...redisFleet(redis),
  };
  return { ...explained(ports, redis), migrations: explained(redisMigrations(redis, reader), redis) };
}

/** What requests have besides the life of every record. */
function redisRequests(redis: RedisClient, reader: StoredReader): Omit<RequestLedger, keyof RecordLedger> {
  return {
    get: (id) => readRecord(redis, reader, "request", id),
    leasedOf: (cluster) => readOpenLeases(redis, reader, cluster),
    duePendingOf: async (cluster, now, limit) =>
      ofCluster(cluster, await readRequests(redis, reader, await duePendingIds(redis, cluster, now, limit))),
    overdue: async (since, limit) => {
      const found = await readRequests(redis, reader, await overdueIds(redis, since, limit));
      return found.filter((request) => request.state === "approved");
    },
    extensionsOf: async (id) => readRequests(redis, reader, await redis.zrange(extensionsKey(id), "0", "-1")),
    counts: () => readCounts(redis, countsKey),
    openByCluster: () => readCounts(redis, openByClusterKey),
    isPermanentLeaseOver: async (id) => (await readOr(0, redis.sismember(permanentKey, id))) === 1,
    ofRequester: async (user, limit) =>
      readRequests(redis, reader, await redis.zrevrange(requesterKey(user), 0, limit - 1)),
    list: async (of, offset, limit) => {
      const { ids, total } = await pageOfList(redis, of, offset, limit);
      return { requests: await readRequests(redis, reader, ids), total };
    },
  };
}

function redisMigrations(redis: RedisClient, reader: StoredReader): MigrationLedger {
  return {
    get: (id) => readRecord(redis, reader, "migration", id),
    latestOf: async (cluster) => {
      const id = await latestMigrationId(redis, cluster);
      return id === undefined ? null : readRecord(redis, reader, "migration", id);
    },
    open: async () => {
      const ids = await redis.zrange(openMigrationsKey, "0", "-1");
      return (await readRecords(redis, reader, ids)).filter(isMigration);
    },
  };
}

/** The counts that the commits keep (src/ledger/commit-script.ts). */
async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = Object.entries(await redis.hgetall(key));
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}

function redisEvents(redis: RedisClient): EventLedger {
  return {
    note: (event) => noteEvent(redis, event),
    append: (event) => appendEvent(redis, event),
    events: (from, limit) => readEvents(redis, from, limit),
    eventsOf: (id, limit) => readEventsOf(redis, id, limit),
    logFlaw: () => logFlaw(redis),
  };
}

/** Appends an event that changes no record: among those of its record, if there is one. */
async function noteEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const places = [recordKey(event.request), chainHeadKey, eventsKey, logKey(event.request)];
  await redis.eval(noteScript, places.length, ...places, ...chainText(event));
}

/** Records of both kinds on Redis: one atomic step writes them, one index has the due ones, and one list has the closed ones. */
function redisRecords(redis: RedisClient, reader: StoredReader): RecordLedger & UndoneLedger {
  const own = new OwnCommits();
  return {
    commit: async (change) => {
      const result = await commit(redis, reader, change);
      if (result.type === "committed") own.add(change.after);
      return result;
    },
    eachUndone: (act) => own.eachUndone(redis, reader, act),
    due: (now, limit, isKnown) => readDue(redis, reader, now, limit, isKnown),
    whyUnreadable: (id) => whyUnreadable(redis, id),
    takeClosed: (taking) => takeClosed(redis, reader, taking),
    remove: (record, logForMs) => removeRecord(redis, record, logForMs),
  };
}

async function commit(
  redis: RedisClient,
  reader: StoredReader,
  { after, event, maxPending }: LedgerChange,
): Promise<CommitResult> {
  const { id, version, cluster } = after;
  const due = recordDueAt(after);
  const lists = listsOf(after);
  const keys = [
    ...[recordKey(id), dueKey, unshownKey, chainHeadKey, eventsKey, logKey(id), countsKey, openByClusterKey],
    ...lists.map(({ key }) => key),
  ];
  // Only requests count.
  const [counted, openIn] = isMigration(after) ? ["", ""] : [classOf(after), isClosed(after) ? "" : cluster];
  const written = await runScript(redis, commitScript, keys, [
    ...[String(version - 1), JSON.stringify(after), id, due === null ? "" : String(due)],
    ...[...(event ? chainText(event) : ["", ""]), counted, openIn],
    ...lists.map(({ place }) => (place === null ? "" : String(place))),
    ...[String(keys.indexOf(pendingKey(askerOf(after))) + 1), maxPending === undefined ? "" : String(maxPending)],
  ]);
  if (written === 1) return { type: "committed" };
  const current = await readRecord(redis, reader, kindOfRecord(id), id);
  // After a broken connection ioredis sends a script again that already ran.
  if (current && canonicalJson(asJson(current)) === canonicalJson(asJson(after))) return { type: "committed" };
  return { type: "conflict", current };
}

function asJson(value: LedgerRecord): Json {
  return value as unknown as Json;
}

/** An unreadable record stays due and would block others, so it is due again later. */
const lookAgainMs = 5 * 60_000;

async function readDue(
  redis: RedisClient,
  reader: StoredReader,
  now: Date,
  limit: number,
  isKnown: (id: string, dueAt: number) => boolean = () => false,
): Promise<readonly LedgerRecord[]> {
  const found = await redis.zrangebyscore(dueKey, "-inf", now.getTime(), "WITHSCORES", "LIMIT", 0, maxDue);
  const ids = found.filter((id, index) => index % 2 === 0 && !isKnown(id, Number(found[index + 1]))).slice(0, limit);
  const records = await readRecords(redis, reader, ids);
  const read = new Set(records.map(({ id }) => id));
  const missing = ids.filter((id) => !read.has(id));
  if (missing.length > 0) {
    await redis.zadd(dueKey, "XX", ...missing.flatMap((id) => [now.getTime() + lookAgainMs, id]));
  }
  await listUnlisted(redis, records);
  return records;
}

async function whyUnreadable(redis: RedisClient, id: string): Promise<string | null> {
  const text = await textOfRecord(redis, id);
  const kind = kindOfRecord(id);
  const reading = text === null ? null : readStored(kind, id, text);
  return reading?.type === "unreadable" ? unreadableSentence(kind, id, reading.problem) : null;
}

const homesKey = "{eks-access}:homes";
/** A hash by record: the channel that must show it again. */
const outdatedKey = "{eks-access}:outdated-messages";

function redisMessages(redis: RedisClient, reader: StoredReader): MessageLedger {
  return {
    unshown: (limit) => redis.srandmember(unshownKey, limit),
    shown: async (id) => reader.read("message", id, await redis.get(shownKey(id))),
    markShown: (id, shown) => markShown(redis, id, shown),
    outdated: async () => new Map(Object.entries(await redis.hgetall(outdatedKey))),
    outdatedIn: (id) => redis.hget(outdatedKey, id),
    rememberOutdated: async (id, channel) =>
      void (await (channel === null ? redis.hdel(outdatedKey, id) : redis.hset(outdatedKey, id, channel))),
    threadEntryNames: (id) => redis.lrange(threadKey(id), 0, -1),
    addThreadEntries: async (id, names) => void (await redis.rpush(threadKey(id), ...names)),
    rememberHome: async (user, hash) => void (await redis.hset(homesKey, user, hash)),
    homesOf: (users) => readHomes(redis, users),
  };
}

async function markShown(redis: RedisClient, id: string, shown: ShownMessages): Promise<void> {
  const places = [recordKey(id), shownKey(id), unshownKey];
  await runScript(redis, markShownScript, places, [id, String(shown.version), JSON.stringify(shown)]);
}

async function readHomes(redis: RedisClient, users: readonly string[] | null): Promise<ReadonlyMap<string, string>> {
  if (users === null) return new Map(Object.entries(await redis.hgetall(homesKey)));
  if (users.length === 0) return new Map();
  const hashes = await redis.hmget(homesKey, ...users);
  return new Map(users.flatMap((user, index) => (hashes[index] == null ? [] : [[user, hashes[index]] as const])));
}

/** Long enough for an approval on the next working day; later work begins a new trace. */
const keptSeconds = 3 * 86_400;

/** The traces of requests on Redis. A forged one only appears in another trace. */
export function redisRequestTraces(redis: RedisClient): RequestTraces {
  return {
    remember: async (id, parent) => void (await redis.set(traceKey(id), parent, "EX", keptSeconds)),
    of: async (ids) => {
      const found = await Promise.all(ids.map((id) => redis.get(traceKey(id))));
      return new Map(
        ids.flatMap((id, index): [string, TraceParent][] => {
          const parent = found[index];
          return parent && isTraceParent(parent) ? [[id, parent]] : [];
        }),
      );
    },
  };
}
