import { markShownScript, runScript, scriptOf } from "./commit-script.ts";
import { fieldsOf, recordKey, recordPrefix, shownKey, threadKey, unshownKey } from "./records.ts";
import { hashOf, type ShownMessages, type Store, textOf, wholeOf } from "./stored.ts";

const homesKey = "{eks-access}:homes";
/** A hash by record: the channel that must show it again. */
const outdatedKey = "{eks-access}:outdated-messages";

/**
 * Some of them, at random. Ids without a record leave: someone with Redis could put a million between the others, and no message would follow.
 * KEYS: unshown, the prefix of records' keys. ARGV: the most
 */
const unshownScript = scriptOf(`
for _, id in ipairs(redis.call('SRANDMEMBER', KEYS[1], 10000)) do
  if redis.call('EXISTS', KEYS[2] .. id) == 0 then redis.call('SREM', KEYS[1], id) end
end
return redis.call('SRANDMEMBER', KEYS[1], ARGV[1])
`);

export type MessageLedger = ReturnType<typeof redisMessages>;

/** What Slack shows: the versions in messages, the entries of threads, and App Homes. */
export function redisMessages(store: Store) {
  const { redis } = store;
  return {
    /** Ids of records with a newest version that no message shows yet. */
    unshown: async (limit: number): Promise<readonly string[]> =>
      (await runScript(redis, unshownScript, [unshownKey, recordPrefix], [String(limit)])) as readonly string[],
    shown: async (id: string): Promise<ShownMessages | null> =>
      store.read("message", id, await textOf(redis, "GET", shownKey(id))),
    /** Remembers the content of a message. The record is then unshown only if it has a newer version. */
    markShown: async (id: string, shown: ShownMessages): Promise<void> => {
      const places = [recordKey(id), shownKey(id), unshownKey];
      await runScript(redis, markShownScript, places, [id, String(shown.version), JSON.stringify(shown)]);
    },
    /** Records that a channel does not show as they are, and the channel: Slack refused the update, or other people can approve now. */
    outdated: async (): Promise<ReadonlyMap<string, string>> => new Map(await hashOf(redis, outdatedKey)),
    outdatedIn: (id: string): Promise<string | null> => textOf(redis, "HGET", outdatedKey, id),
    /** @param channel null: it shows the record as it is, or there is none */
    rememberOutdated: async (id: string, channel: string | null): Promise<void> =>
      void (channel === null ? await redis.hdel(outdatedKey, id) : await redis.hset(outdatedKey, id, channel)),
    threadEntryNames: (id: string): Promise<readonly string[]> => wholeOf(redis, "LRANGE", threadKey(id), "0", "-1"),
    addThreadEntries: async (id: string, names: readonly string[]): Promise<void> =>
      void (await redis.rpush(threadKey(id), ...names)),
    rememberHome: async (user: string, hash: string): Promise<void> => void (await redis.hset(homesKey, user, hash)),
    /** The hashes of these people's App Homes; a person who never opened it is absent. @param users null: of all */
    homesOf: async (users: readonly string[] | null): Promise<ReadonlyMap<string, string>> => {
      if (users === null) return new Map(await hashOf(redis, homesKey));
      const found = await fieldsOf(redis, homesKey, users);
      return new Map(found.flatMap(([user, hash]) => (hash === null ? [] : [[user, hash] as const])));
    },
  };
}
