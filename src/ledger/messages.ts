import { isTraceParent, type RequestTraces, type TraceParent } from "../operations/traced.ts";
import type { RedisClient } from "./client.ts";
import { markShownScript, runScript } from "./commit-script.ts";
import type { MessageLedger, ShownMessages } from "./ledger.ts";
import { recordKey } from "./records.ts";
import type { StoredReader } from "./stored.ts";

const prefix = "{eks-access}";
const homesKey = `${prefix}:homes`;
/** A hash by record: the channel that must show it again. */
const outdatedKey = `${prefix}:outdated-messages`;
export const shownKey = (id: string) => `${prefix}:shown:${id}`;
export const threadKey = (id: string) => `${prefix}:thread:${id}`;

/** Ids of records with a newest version that no message shows yet. */
export const unshownKey = `${prefix}:unshown`;

export function redisMessages(redis: RedisClient, reader: StoredReader): MessageLedger {
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

export const traceKey = (id: string) => `{eks-access}:trace:${id}`;

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
