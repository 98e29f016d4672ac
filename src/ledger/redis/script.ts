import { createHash } from "node:crypto";
import type { RedisClient } from "./client.ts";

/** A script that runs often: Redis knows it by its digest, and its text goes over the network once. */
export interface Script {
  readonly text: string;
  /** SHA-1 in hex, as Redis names it. */
  readonly digest: string;
}

export function scriptOf(text: string): Script {
  return { text, digest: createHash("sha1").update(text).digest("hex") };
}

/** Runs a script; one that Redis has forgotten, as after a restart, is sent whole. */
export async function runScript(
  redis: RedisClient,
  { text, digest }: Script,
  keys: readonly string[],
  values: readonly string[],
): Promise<unknown> {
  try {
    return await redis.evalsha(digest, keys.length, ...keys, ...values);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return redis.eval(text, keys.length, ...keys, ...values);
  }
}
