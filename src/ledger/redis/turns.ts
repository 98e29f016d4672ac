import { randomUUID } from "node:crypto";
import type { TurnLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { reach } from "./reach.ts";
import { runScript, scriptOf } from "./script.ts";

const runsKey = "{eks-access}:runs";

/** Turns and runs, on Redis. */
export function redisTurns(redis: RedisClient): TurnLedger {
  return {
    takeTurn: (name, everyMs, most = 1) => reach(() => takeTurn(redis, name, everyMs, most)),
    beginRun: (cluster) => reach(() => beginRun(redis, cluster)),
    isNewestRun: (cluster, run) => reach(async () => (await redis.hget(runsKey, cluster)) === run),
  };
}

async function beginRun(redis: RedisClient, cluster: string): Promise<string> {
  const run = randomUUID();
  await redis.hset(runsKey, cluster, run);
  return run;
}

/** KEYS: the turn. ARGV: every so many milliseconds, how many. Returns 1 where there was one left. */
const takeTurnScript = scriptOf(`
local taken = redis.call('INCR', KEYS[1])
if taken == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return taken <= tonumber(ARGV[2]) and 1 or 0
`);

async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number): Promise<boolean> {
  const values = [String(everyMs), String(most)];
  return (await runScript(redis, takeTurnScript, [`{eks-access}:turn:${name}`], values)) === 1;
}
