import type { MessageLedger } from "../ledger.ts";
import type { Shown } from "../migrations.ts";
import type { RedisClient } from "./client.ts";
import { markShownScript } from "./commit-script.ts";
import { reach } from "./reach.ts";
import { requestKey } from "./records.ts";
import { runScript } from "./script.ts";
import type { StoredReader } from "./stored.ts";

const prefix = "{eks-access}";
const homesKey = `${prefix}:homes`;
/** What the message of a record shows. */
export const shownKey = (id: string) => `${prefix}:shown:${id}`;
/** What the thread of a record has told. */
export const threadKey = (id: string) => `${prefix}:thread:${id}`;

/** Ids of records whose newest version no message shows yet. */
export const unshownKey = `${prefix}:unshown`;

/** What Slack shows, on Redis. */
export function redisMessages(redis: RedisClient, reader: StoredReader): MessageLedger {
  return {
    unshown: (limit) => reach(() => redis.srandmember(unshownKey, limit)),
    shown: (id) => reach(async () => reader.read("message", id, await redis.get(shownKey(id)))),
    markShown: (id, shown) => reach(() => markShown(redis, id, shown)),
    toldInThread: (id) => reach(() => redis.lrange(threadKey(id), 0, -1)),
    addToldInThread: (id, names) => reach(async () => void (await redis.rpush(threadKey(id), ...names))),
    rememberHome: (user, hash) => reach(async () => void (await redis.hset(homesKey, user, hash))),
    homesOf: (users) => reach(() => readHomes(redis, users)),
  };
}

async function markShown(redis: RedisClient, id: string, shown: Shown): Promise<void> {
  const places = [requestKey(id), shownKey(id), unshownKey];
  await runScript(redis, markShownScript, places, [id, String(shown.version), JSON.stringify(shown)]);
}

async function readHomes(redis: RedisClient, users: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (users.length === 0) return new Map();
  const hashes = await redis.hmget(homesKey, ...users);
  return new Map(users.flatMap((user, index) => (hashes[index] == null ? [] : [[user, hashes[index]] as const])));
}
