import { canonicalJson, type Json } from "../../access/audit/event.ts";
import { classOf } from "../../access/request/lists.ts";
import { askerOf } from "../../access/request/people.ts";
import { isClosed } from "../../access/request/request.ts";
import type { CommitResult, LedgerChange, RecordLedger } from "../ledger.ts";
import { isMigration, type LedgerRecord, recordDueAt } from "../records.ts";
import type { RedisClient } from "./client.ts";
import { removeRecord, takeClosed } from "./closed.ts";
import { commitScript, runScript } from "./commit-script.ts";
import { chainHeadKey, chainText, eventsKey, logKey } from "./events.ts";
import { callRedis } from "./explain-redis-error.ts";
import { countsKey, dueKey, listsOf, listUnlisted, openByClusterKey, pendingKey } from "./lists.ts";
import { unshownKey } from "./messages.ts";
import { kindOfRecord, readRecord, readRecords, recordKey } from "./records.ts";
import { readStored, type StoredReader, unreadableSentence } from "./stored.ts";

/** Records of both kinds on Redis: one atomic step writes them, one index has the due ones, and one list the closed ones. */
export function redisRecords(redis: RedisClient, reader: StoredReader): RecordLedger {
  return {
    commit: (change) => callRedis(() => commit(redis, reader, change)),
    due: (now, limit) => callRedis(() => readDue(redis, reader, now, limit)),
    whyUnreadable: (id) => callRedis(() => whyUnreadable(redis, id)),
    takeClosed: (taking) => callRedis(() => takeClosed(redis, reader, taking)),
    remove: (record, logForMs) => callRedis(() => removeRecord(redis, record, logForMs)),
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
  // A connection broke after the script had run: ioredis sent it again, and the first run won.
  if (current && canonicalJson(asJson(current)) === canonicalJson(asJson(after))) return { type: "committed" };
  return { type: "conflict", current };
}

function asJson(value: LedgerRecord): Json {
  return value as unknown as Json;
}

/** An unreadable record stays due, and would take the places of others: it is due again later. */
const lookAgainMs = 5 * 60_000;

async function readDue(
  redis: RedisClient,
  reader: StoredReader,
  now: Date,
  limit: number,
): Promise<readonly LedgerRecord[]> {
  const ids = await redis.zrangebyscore(dueKey, "-inf", now.getTime(), "LIMIT", 0, limit);
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
  const text = await redis.hget(recordKey(id), "record");
  const kind = kindOfRecord(id);
  const reading = text === null ? null : readStored(kind, id, text);
  return reading?.type === "unreadable" ? unreadableSentence(kind, id, reading.problem) : null;
}
