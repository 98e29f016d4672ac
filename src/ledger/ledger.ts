import type { AuditEvent } from "../access/audit-event.ts";
import { classOf, isMigration, type LedgerRecord, recordDueAt } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import { clusterNameForm } from "../access/policy/cluster.ts";
import { type AccessRequest, type ApprovedRequest, askerOf } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import { canonicalJson, type Json } from "../access/seal.ts";
import { isTraceParent, type RequestTraces, type TraceParent } from "../operations/traced.ts";
import { type EventLedger, redisEvents } from "./audit-log.ts";
import { explained, type RedisClient } from "./client.ts";
import { type ClosedBatch, removeRecord, takeClosed } from "./closed.ts";
import { type ClusterLedger, type FleetLedger, redisClusters, redisFleet } from "./clusters.ts";
import { chainHeadKey, chainText, commitScript, eventsKey, logKey, runScript } from "./commit-script.ts";
import { type LinkLedger, redisLinks } from "./links.ts";
import {
  countsKey,
  dueKey,
  duePendingIds,
  extensionsKey,
  type ListOf,
  latestMigration,
  listsOf,
  ofCluster,
  openByClusterKey,
  openMigrationsKey,
  overdueIds,
  pageOfList,
  pendingKey,
  permanentKey,
  readDue,
  readOpenLeases,
  requesterKey,
} from "./lists.ts";
import { type MessageLedger, redisMessages } from "./messages.ts";
import { OwnCommits, type UndoneLedger } from "./own-commits.ts";
import {
  digestInRedis,
  findList,
  kindOfRecord,
  readRecord,
  readRecords,
  readRequests,
  recordKey,
  rememberDigest,
  textOfRecord,
  traceKey,
  unshownKey,
} from "./records.ts";
import { hashOf, openStore, readStored, type Store, textOf, type UnreadableLog, unreadableSentence } from "./stored.ts";
import { redisTurns, type TurnLedger } from "./turns.ts";

/** A record's next version with its event: written together or not at all. */
export interface LedgerChange {
  /** The record from which `after` was made; absent or null: it is new. One that this process neither read nor wrote counts by its version. */
  readonly before?: LedgerRecord | null;
  readonly after: LedgerRecord;
  /** Null: an event already reports it: one more failure with the number of tries and the next one, or a new seal. */
  readonly event: AuditEvent | null;
  /** Of a new request: the most pending requests of the person who asks, this one included. Absent: no limit. */
  readonly maxPending?: number;
}

export type CommitResult =
  | { readonly type: "committed" }
  /** Another change came first: the present record. Null: there is none, for example because too many are pending (`maxPending`). */
  | { readonly type: "conflict"; readonly current: LedgerRecord | null };

export type ListPage = { readonly requests: readonly AccessRequest[]; readonly total: number };

/** Code names the small port that it uses, so that a fake needs no more. Every implementation passes test/ledger/contract.ts. */
export interface Ledger
  extends RequestLedger,
    MessageLedger,
    EventLedger,
    LinkLedger,
    TurnLedger,
    ClusterLedger,
    FleetLedger {
  readonly migrations: MigrationLedger;
}

/** The ledger on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisLedger(redis: RedisClient, log: UnreadableLog = { error: () => {} }): Ledger & UndoneLedger {
  const store = openStore(redis, log);
  const own = new OwnCommits();
  const undone: UndoneLedger = { eachUndone: (act) => own.eachUndone(store, act) };
  const ports = {
    ...redisRecords(store, own),
    ...undone,
    ...redisRequests(store),
    ...redisMessages(store),
    ...redisEvents(redis),
    ...redisLinks(store),
    ...redisTurns(redis),
    ...redisClusters(store),
    ...redisFleet(redis),
  };
  return { ...explained(ports, redis), migrations: explained(redisMigrations(store), redis) };
}

export type RecordLedger = ReturnType<typeof redisRecords>;

/** Records of either kind: one atomic step writes them, one index has the due ones, and one list has the closed ones. */
function redisRecords(store: Store, own: OwnCommits) {
  return {
    /** Compare-and-swap: succeeds only if the stored version is one less than `after.version` (absent counts as 0). */
    commit: async (change: LedgerChange): Promise<CommitResult> => {
      const result = await commit(store, change);
      if (result.type === "committed") own.add(change.after);
      return result;
    },
    /** The longest due first. @param isKnown leaves out a record by its id and the time at which it was due, in milliseconds, unread */
    due: (now: Date, limit: number, isKnown: (id: string, dueAt: number) => boolean = () => false) =>
      readDue(store, now, limit, isKnown),
    /** One sentence for people, if the record can't be read; null: it can, or there is none. */
    whyUnreadable: async (id: string): Promise<string | null> => {
      const text = await textOfRecord(store.redis, id);
      const kind = kindOfRecord(id);
      const reading = text === null ? null : readStored(kind, id, text);
      return reading?.type === "unreadable" ? unreadableSentence(kind, id, reading.problem) : null;
    },
    /** Closed records without any further effect, the longest closed first. Two workers at once get different ones. */
    takeClosed: (taking: ClosedBatch) => takeClosed(store, taking),
    /**
     * Removes a record with its data; its id finds its events for this long (null: for ever). False: it changed, something is due
     * or unshown, an open request extends it, or it is its cluster's newest migration, which gives the next number.
     */
    remove: (record: LedgerRecord, logForMs: number | null) => removeRecord(store, record, logForMs),
  };
}

export type RequestLedger = RecordLedger & ReturnType<typeof redisRequests>;

/** What requests have besides the life of every record. */
function redisRequests(store: Store) {
  const { redis } = store;
  return {
    /** Null: there is none, or it can't be read. */
    get: (id: string): Promise<AccessRequest | null> => readRecord(store, "request", id),
    /** Approved records of a cluster with leases that are not over. Pending ones, which have no limit, are not among them. */
    leasedOf: (cluster: string): Promise<readonly ApprovedRequest[]> => readOpenLeases(store, cluster),
    /** Pending records of a cluster with something due, the longest due first. */
    duePendingOf: async (cluster: string, now: Date, limit: number): Promise<readonly AccessRequest[]> =>
      ofCluster(cluster, await readRequests(store, await duePendingIds(redis, cluster, now, limit))),
    /** Open leases that should have been gone at this time, the longest overdue first. */
    overdue: async (since: Date, limit: number): Promise<readonly ApprovedRequest[]> => {
      const found = await readRequests(store, await overdueIds(redis, since, limit));
      return found.filter((request) => request.state === "approved");
    },
    /** The open requests and the ended leases that extend this one. */
    extensionsOf: async (id: string): Promise<readonly AccessRequest[]> =>
      readRequests(store, await redis.zrange(extensionsKey(id), "0", "-1")),
    /** The number of records of each class (src/access/lists.ts); a class without any is absent. */
    counts: () => readCounts(redis, countsKey),
    /** The number of open records of each cluster; a cluster without any is absent. People copy the names into a shell. */
    openByCluster: async () => {
      const counts = [...(await readCounts(redis, openByClusterKey))];
      return new Map(counts.filter(([name]) => clusterNameForm.test(name)).slice(0, maxClusters));
    },
    /** Whether this id is of a removed permanent lease: its id stays known. */
    isPermanentLeaseOver: async (id: string) => (await textOf(redis, "SISMEMBER", permanentKey, id)) === "1",
    /** Records in which this person gets the access, newest first. */
    ofRequester: async (user: string, limit: number): Promise<readonly AccessRequest[]> =>
      readRequests(store, await redis.zrevrange(requesterKey(user), 0, limit - 1)),
    list: async (of: ListOf, offset: number, limit: number): Promise<ListPage> => {
      const { ids, total } = await pageOfList(redis, of, offset, limit);
      return { requests: await readRequests(store, ids), total };
    },
  };
}

export type MigrationLedger = ReturnType<typeof redisMigrations>;

/** The migrations of clusters to access entries. Every implementation passes test/ledger/migration-contract.ts. */
function redisMigrations(store: Store) {
  return {
    /** Null: there is none, or it can't be read. */
    get: (id: string): Promise<Migration | null> => readRecord(store, "migration", id),
    latestOf: (cluster: string) => latestMigration(store, cluster),
    /** Every migration that is open, or has a step that still runs; at most one for each cluster. */
    open: async (): Promise<readonly Migration[]> => {
      const { ids } = await findList(store.redis, openMigrationsKey);
      return (await readRecords(store, ids)).filter(isMigration);
    },
  };
}

/** More than a configuration has. Each is a series of the metrics, and someone with Redis can write any number. */
const maxClusters = 5_000;

/** The counts that the commits keep (src/ledger/commit-script.ts). */
async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = await hashOf(redis, key);
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}

async function commit(store: Store, { before = null, after, event, maxPending }: LedgerChange): Promise<CommitResult> {
  const { id, version, cluster } = after;
  const due = recordDueAt(after);
  const lists = listsOf(after);
  const keys = [
    ...[recordKey(id), dueKey, unshownKey, chainHeadKey, eventsKey, logKey(id), countsKey, openByClusterKey],
    ...lists.map(({ key }) => key),
  ];
  // Only requests count.
  const [counted, openIn] = isMigration(after) ? ["", ""] : [classOf(after), isClosed(after) ? "" : cluster];
  const [text, logged] = [JSON.stringify(after), event ? chainText(event) : (["", ""] as const)];
  const written = await runScript(store.redis, commitScript, keys, [
    ...[String(version - 1), text, id, due === null ? "" : String(due)],
    ...[...logged, counted, openIn],
    ...lists.map(({ place }) => (place === null ? "" : String(place))),
    ...[String(keys.indexOf(pendingKey(askerOf(after))) + 1), maxPending === undefined ? "" : String(maxPending)],
    digestInRedis(before),
  ]);
  rememberDigest(after, text);
  if (written === 1) return { type: "committed" };
  const current = await readRecord(store, kindOfRecord(id), id);
  // After a broken connection ioredis sends a script again that already ran; others can have changed the record since.
  const isAgain = event ? await hasEvent(store, id, logged[0]) : current !== null && isSameJson(current, after);
  return isAgain ? { type: "committed" } : { type: "conflict", current };
}

/** Others can have noted so many events of a record while a connection was broken. */
const newestEvents = 32;

/** @param text its salt makes it different from each other event */
async function hasEvent({ redis }: Store, id: string, text: string): Promise<boolean> {
  const newest = await redisEvents(redis).eventsOf(id, newestEvents);
  return newest.some(({ event }) => canonicalJson(event as unknown as Json) === text);
}

export function isSameJson(one: object, other: object): boolean {
  return canonicalJson(one as Json) === canonicalJson(other as Json);
}

/** Long enough for an approval on the next working day; later work begins a new trace. */
const keptSeconds = 3 * 86_400;

/** The traces of requests on Redis. A forged one only appears in another trace. */
export function redisRequestTraces(redis: RedisClient): RequestTraces {
  return {
    remember: async (id, parent) => void (await redis.set(traceKey(id), parent, "EX", keptSeconds)),
    of: async (ids) => {
      const found = await Promise.all(ids.map((id) => textOf(redis, "GET", traceKey(id))));
      return new Map(
        ids.flatMap((id, index): [string, TraceParent][] => {
          const parent = found[index];
          return parent && isTraceParent(parent) ? [[id, parent]] : [];
        }),
      );
    },
  };
}
