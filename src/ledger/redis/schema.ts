import { AccessError } from "../../access/failure/access-error.ts";
import type { RedisClient } from "./client.ts";

/**
 * One step of the ledger's schema. Redis runs it alone and once, but does not undo the half of a script that breaks: it looks
 * before it writes, or can be run again over what it has done. It may also meet what a newer program wrote, where Redis lost
 * everything, the version with it, under running processes.
 */
export interface Migration {
  /** A noun for people: what it changes. */
  readonly name: string;
  /** Lua without arguments. All keys begin with `{eks-access}:`, so that a Redis Cluster has them on one node. */
  readonly script: string;
}

export const schemaKey = "{eks-access}:schema";

/** The version is compared and set in the step's own script: of processes that start at once, one runs it. */
const guarded = (script: string) => `
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
do
${script}
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`;

/**
 * Brings the ledger to the newest schema that this program knows: `migrations[0]` leads from nothing to version 1, and so on.
 * @throws AccessError `ledger-newer` where a newer program has written it, `ledger-unreachable` or `ledger-refused` where Redis fails
 */
export async function prepareSchema(redis: RedisClient, migrations: readonly Migration[]): Promise<void> {
  for (;;) {
    const version = await attempt("read", () => redis.get(schemaKey));
    if (version === String(migrations.length)) return;
    const migration = migrations[Number(version ?? 0)];
    if (!migration) {
      throw new AccessError(
        "ledger-newer",
        `The ledger in Redis has schema ${version}, and this eks-access knows no newer one than ${migrations.length}`,
      );
    }
    await migrate(redis, Number(version ?? 0), migration);
  }
}

async function migrate(redis: RedisClient, version: number, { name, script }: Migration): Promise<void> {
  const [from, to] = [String(version), String(version + 1)];
  await attempt(`brought to version ${to}: ${name}`, () => redis.eval(guarded(script), 1, schemaKey, from, to));
}

async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = reason.startsWith("NOPERM") ? "ledger-refused" : "ledger-unreachable";
    throw new AccessError(code, `The ledger's schema could not be ${what} (${reason})`, { cause: error });
  }
}
