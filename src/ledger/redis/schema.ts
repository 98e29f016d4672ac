import { AccessError } from "../../access/failure/access-error.ts";
import type { RedisClient } from "./client.ts";

export const schemaKey = "{eks-access}:schema";

/** The schema of the ledger. Raise it with each change of what src/ledger/redis keeps that an older or a newer program would misread. */
export const schema = "1";

/**
 * Marks a ledger that has no schema with this program's own, and refuses one that has another.
 * @throws AccessError `ledger-schema` for another schema, `ledger-unreachable` or `ledger-refused` where Redis fails
 */
export async function expectSchema(redis: RedisClient): Promise<void> {
  const found = await readOrMark(redis);
  if (found === schema) return;
  throw new AccessError(
    "ledger-schema",
    `The ledger in Redis has schema ${found}, and this eks-access needs ${schema}`,
  );
}

async function readOrMark(redis: RedisClient): Promise<string | null> {
  try {
    // Another process may mark it in between: what is there afterwards counts.
    await redis.set(schemaKey, schema, "NX");
    return await redis.get(schemaKey);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = reason.startsWith("NOPERM") ? "ledger-refused" : "ledger-unreachable";
    throw new AccessError(code, `The ledger's schema could not be read or written (${reason})`, { cause: error });
  }
}
