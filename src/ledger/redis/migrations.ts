import { canonicalJson, digestOfEvent, type Json } from "../../access/audit/event.ts";
import {
  type Migration,
  migrationClosedSince,
  migrationDueAt,
  migrationNumber,
} from "../../access/migration/migration.ts";
import type { MigrationChange, MigrationCommit, MigrationLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { type ClosedKind, removeRecord, takeClosed } from "./closed.ts";
import { chainLua, intactLua, markShownScript, runScript } from "./commit-script.ts";
import { chainHeadKey, eventsKey, logKey } from "./events.ts";
import { reach } from "./explain-redis-error.ts";
import { shownKey, threadKey, traceKey } from "./messages.ts";
import { listedTexts, textsOf } from "./records.ts";
import type { StoredReader } from "./stored.ts";

const prefix = "{eks-access}";
const recordPrefix = `${prefix}:migration:`;
/** The record of a migration. */
export const migrationKey = (id: string): string => `${recordPrefix}${id}`;
const keys = {
  migration: migrationKey,
  shown: shownKey,
  /** Every migration of a cluster, by its number: clocks differ. */
  of: (cluster: string) => `${prefix}:migrations-of:${cluster}`,
  due: `${prefix}:migrations-due`,
  unshown: `${prefix}:migrations-unshown`,
} as const;

const closedMigrations: ClosedKind<"migration"> = {
  kind: "migration",
  recordPrefix,
  closed: `${prefix}:migrations-closed`,
  since: migrationClosedSince,
};

/**
 * One step of a migration, atomic in Redis, as `commitScript` is of a request: compare the version, write the record, move it in the
 * indexes, append the audit event to the chain.
 *
 * KEYS: record, due, unshown, moves of the cluster, head, events, log of the migration, closed
 * ARGV: version before, record, id, due score or "", number, event, event digest (hex), closed since or ""
 * Returns 1, or 0 where the version differs or the record can't be read.
 */
const commitMigrationScript = `${chainLua}${intactLua}
local stored = redis.call('HMGET', KEYS[1], 'version', 'record')
if (stored[1] or '0') ~= ARGV[1] or not is_intact(stored[2], ARGV[1]) then return 0 end

redis.call('HSET', KEYS[1], 'version', tonumber(ARGV[1]) + 1, 'record', ARGV[2])
if ARGV[4] == '' then redis.call('ZREM', KEYS[2], ARGV[3]) else redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3]) end
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[3])
if ARGV[8] == '' then redis.call('ZREM', KEYS[8], ARGV[3]) else redis.call('ZADD', KEYS[8], ARGV[8], ARGV[3]) end
redis.call('RPUSH', KEYS[7], append_event(KEYS[5], KEYS[6], ARGV[6], ARGV[7]))
return 1
`;

/** The migrations on Redis: records of a kind of their own, written in the same atomic step with their events. */
export function redisMigrations(redis: RedisClient, reader: StoredReader): MigrationLedger {
  return {
    get: (id) => reach(() => readMigration(redis, reader, id)),
    latestOf: (cluster) =>
      reach(async () => {
        const id = await latestId(redis, cluster);
        return id === undefined ? null : readMigration(redis, reader, id);
      }),
    commit: (change) => reach(() => commitMigration(redis, reader, change)),
    due: (now, limit) =>
      reach(async () => {
        const ids = await redis.zrangebyscore(keys.due, "-inf", now.getTime(), "LIMIT", 0, limit);
        return reader.readAll("migration", await textsOf(redis, recordPrefix, ids));
      }),
    // Something is due of each, sooner or later, until it is over: so this index has them all.
    open: () => reach(async () => reader.readAll("migration", await listedTexts(redis, keys.due, recordPrefix))),
    takeClosed: (taking) => reach(() => takeClosed(redis, reader, closedMigrations, taking)),
    remove: (migration, logForMs) => reach(() => removeMigration(redis, migration, logForMs)),
    unshown: (limit) => reach(() => redis.srandmember(keys.unshown, limit)),
    shown: (id) => reach(async () => reader.read("message", id, await redis.get(keys.shown(id)))),
    markShown: (id, shown) =>
      reach(async () => {
        const all = [keys.migration(id), keys.shown(id), keys.unshown];
        await runScript(redis, markShownScript, all, [id, String(shown.version), JSON.stringify(shown)]);
      }),
  };
}

async function commitMigration(
  redis: RedisClient,
  reader: StoredReader,
  { after, event }: MigrationChange,
): Promise<MigrationCommit> {
  const { id, cluster, version } = after;
  const places = [keys.migration(id), keys.due, keys.unshown, keys.of(cluster)];
  const all = [...places, chainHeadKey, eventsKey, logKey(id), closedMigrations.closed];
  const [due, closed] = [migrationDueAt(after), migrationClosedSince(after)];
  const written = await redis.eval(
    commitMigrationScript,
    all.length,
    ...all,
    String(version - 1),
    JSON.stringify(after),
    id,
    due === null ? "" : String(due),
    String(migrationNumber(after)),
    canonicalJson(asJson(event)),
    digestOfEvent(event),
    closed === null ? "" : String(closed),
  );
  if (written === 1) return { type: "committed" };
  const current = await readMigration(redis, reader, id);
  // A connection that broke after the script had run: ioredis sent it again, and the first run had won.
  if (current && canonicalJson(asJson(current)) === canonicalJson(asJson(after))) return { type: "committed" };
  return { type: "conflict", current };
}

/** A migration that is not the newest of its cluster never is again: no change can come between looking and removing. */
async function removeMigration(redis: RedisClient, migration: Migration, logForMs: number | null): Promise<boolean> {
  const { id, version, cluster } = migration;
  if ((await latestId(redis, cluster)) === id) return false;
  const { due, unshown } = keys;
  const of = { record: keys.migration(id), log: logKey(id), trace: traceKey(id) };
  const told = { shown: keys.shown(id), thread: threadKey(id) };
  // Nothing extends a migration, and moves are not counted: the script finds neither key.
  const none = {
    extensions: `${prefix}:extensions-of:${id}`,
    counts: `${prefix}:counts`,
    forGood: `${prefix}:over-for-good`,
  };
  const sets = [keys.of(cluster), closedMigrations.closed];
  const places = { ...of, ...told, ...none, due, unshown, sets };
  return removeRecord(redis, { id, version, keys: places, logForMs, leavesItsId: false });
}

async function latestId(redis: RedisClient, cluster: string): Promise<string | undefined> {
  const [id] = await redis.zrevrange(keys.of(cluster), "0", "0");
  return id;
}

function asJson(value: Migration | MigrationChange["event"]): Json {
  return value as unknown as Json;
}

async function readMigration(redis: RedisClient, reader: StoredReader, id: string): Promise<Migration | null> {
  return reader.read("migration", id, await redis.hget(keys.migration(id), "record"));
}
