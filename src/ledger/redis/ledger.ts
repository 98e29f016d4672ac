import type { AuditEvent } from "../../access/audit/event.ts";
import type { EventLedger, Ledger, MigrationLedger, RecordLedger, RequestLedger } from "../ledger.ts";
import { isMigration } from "../records.ts";
import type { RedisClient } from "./client.ts";
import { redisClusters, redisTurns } from "./clusters.ts";
import { noteScript } from "./commit-script.ts";
import { appendEvent, chainHeadKey, chainText, eventsKey, logKey, readEvents, readEventsOf } from "./events.ts";
import { callRedis } from "./explain-redis-error.ts";
import { redisFleet } from "./fleet.ts";
import { redisLinks } from "./links.ts";
import {
  countsKey,
  duePendingIds,
  forGoodKey,
  latestMigrationId,
  openByClusterKey,
  openMigrationsKey,
  overdueIds,
  pageOfList,
  readOpenLeases,
  requesterKey,
} from "./lists.ts";
import { redisMessages } from "./messages.ts";
import { redisRecords } from "./record-store.ts";
import { readRecord, readRecords, readRequests, recordKey } from "./records.ts";
import { type StoredReader, storedReader, type UnreadableLog } from "./stored.ts";

/** The ledger on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisLedger(redis: RedisClient, log: UnreadableLog = { error: () => {} }): Ledger {
  const reader = storedReader(redis, log);
  return {
    ...redisRecords(redis, reader),
    ...redisRequests(redis, reader),
    ...redisMessages(redis, reader),
    ...redisEvents(redis),
    ...redisLinks(redis, reader),
    ...redisTurns(redis),
    ...redisClusters(redis, reader),
    ...redisFleet(redis),
    migrations: redisMigrations(redis, reader),
  };
}

/** The part of requests alone, besides the life of every record. */
function redisRequests(redis: RedisClient, reader: StoredReader): Omit<RequestLedger, keyof RecordLedger> {
  return {
    get: (id) => callRedis(() => readRecord(redis, reader, "request", id)),
    grantedOf: (cluster) => callRedis(() => readOpenLeases(redis, reader, cluster)),
    duePendingOf: (cluster, now, limit) =>
      callRedis(async () => readRequests(redis, reader, await duePendingIds(redis, cluster, now, limit))),
    overdue: (since, limit) =>
      callRedis(async () => {
        const found = await readRequests(redis, reader, await overdueIds(redis, since, limit));
        return found.filter((request) => request.state === "approved");
      }),
    counts: () => callRedis(() => readCounts(redis, countsKey)),
    openByCluster: () => callRedis(() => readCounts(redis, openByClusterKey)),
    isPermanentLeaseOver: (id) => callRedis(async () => (await redis.sismember(forGoodKey, id)) === 1),
    ofRequester: (user, limit) =>
      callRedis(async () => readRequests(redis, reader, await redis.zrevrange(requesterKey(user), 0, limit - 1))),
    list: (of, offset, limit) =>
      callRedis(async () => {
        const { ids, total } = await pageOfList(redis, of, offset, limit);
        return { requests: await readRequests(redis, reader, ids), total };
      }),
  };
}

/** The part of migrations alone. */
function redisMigrations(redis: RedisClient, reader: StoredReader): MigrationLedger {
  return {
    get: (id) => callRedis(() => readRecord(redis, reader, "migration", id)),
    latestOf: (cluster) =>
      callRedis(async () => {
        const id = await latestMigrationId(redis, cluster);
        return id === undefined ? null : readRecord(redis, reader, "migration", id);
      }),
    open: () =>
      callRedis(async () => {
        const ids = await redis.zrange(openMigrationsKey, "0", "-1");
        return (await readRecords(redis, reader, ids)).filter(isMigration);
      }),
  };
}

/** The counts that the commits keep (src/ledger/redis/commit-script.ts). */
async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = Object.entries(await redis.hgetall(key));
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}

function redisEvents(redis: RedisClient): EventLedger {
  return {
    note: (event) => callRedis(() => noteEvent(redis, event)),
    append: (event) => callRedis(() => appendEvent(redis, event)),
    events: (from, limit) => callRedis(() => readEvents(redis, from, limit)),
    eventsOf: (id, limit) => callRedis(() => readEventsOf(redis, id, limit)),
  };
}

/** Appends an event that changes no record: among those of its record, if there is one. */
async function noteEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const places = [recordKey(event.request), chainHeadKey, eventsKey, logKey(event.request)];
  await redis.eval(noteScript, places.length, ...places, ...chainText(event));
}
