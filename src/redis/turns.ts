import type { RedisClient } from "./client.ts";
import { takeOneOfScript } from "./commit-script.ts";

/** Takes one of `most` turns that there are in `everyMs`; false: none is left. */
export async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number): Promise<boolean> {
  const key = `{eks-access}:turn:${name}`;
  // What an older program wrote for one turn is no number.
  if (most === 1) return (await redis.set(key, "taken", "PX", everyMs, "NX")) === "OK";
  return (await redis.eval(takeOneOfScript, 1, key, everyMs, most)) === 1;
}
