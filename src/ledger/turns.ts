import { randomUUID } from "node:crypto";
import type { RedisClient } from "./client.ts";
import { setField } from "./clusters.ts";
import { runScript, scriptOf } from "./commit-script.ts";

/** What processes share so that only one of them does something. */
export interface TurnLedger {
  /** One of `most` turns (one if absent) of all processes in `everyMs`. It only saves work: it can be done twice. */
  takeTurn(name: string, everyMs: number, most?: number): Promise<boolean>;
  /** Earlier runs then send nothing more to EKS, which keeps no versions. @returns a name that comes only once */
  beginRun(cluster: string): Promise<string>;
  isNewestRun(cluster: string, run: string): Promise<boolean>;
}

const runsKey = "{eks-access}:runs";

export function redisTurns(redis: RedisClient): TurnLedger {
  return {
    takeTurn: (name, everyMs, most = 1) => takeTurn(redis, name, everyMs, most),
    beginRun: (cluster) => beginRun(redis, cluster),
    isNewestRun: async (cluster, run) => (await redis.hget(runsKey, cluster)) === run,
  };
}

async function beginRun(redis: RedisClient, cluster: string): Promise<string> {
  const run = randomUUID();
  await setField(redis, runsKey, cluster, run);
  return run;
}

/**
 * A forged turn ends after its period too: otherwise it would stop what takes turns, for example the sweep, in all processes.
 * KEYS: the turn. ARGV: the period in milliseconds, the number of turns. Returns 1 if one was left.
 */
const takeTurnScript = scriptOf(`
local taken = redis.pcall('INCR', KEYS[1])
if type(taken) == 'table' then
  redis.call('SET', KEYS[1], 1)
  taken = 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return taken <= tonumber(ARGV[2]) and 1 or 0
`);

/** Most turns are new: one command takes such a turn, and each acknowledgement waits for one. */
async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number): Promise<boolean> {
  const key = `{eks-access}:turn:${name}`;
  if ((await redis.set(key, 1, "PX", everyMs, "NX")) === "OK") return true;
  return (await runScript(redis, takeTurnScript, [key], [String(everyMs), String(most)])) === 1;
}
