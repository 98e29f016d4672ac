import { randomUUID } from "node:crypto";
import type { TurnLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { takeOneOfScript } from "./commit-script.ts";
import { reach } from "./reach.ts";
import { runScript, scriptOf } from "./script.ts";

const runsKey = "{eks-access}:runs";

/** Turns and runs, on Redis. */
export function redisTurns(redis: RedisClient): TurnLedger {
  const takeTurn = turnsIn(redis);
  return {
    takeTurn: (name, everyMs, most = 1) => reach(() => takeTurn(name, everyMs, most)),
    beginRun: (cluster) => reach(() => beginRun(redis, cluster)),
    isNewestRun: (cluster, run) => reach(async () => (await redis.hget(runsKey, cluster)) === run),
  };
}

async function beginRun(redis: RedisClient, cluster: string): Promise<string> {
  const run = randomUUID();
  await redis.hset(runsKey, cluster, run);
  return run;
}

/** Takes one of `most` turns that there are in `everyMs`; false: none is left. */
type TakeTurn = (name: string, everyMs: number, most: number) => Promise<boolean>;

function turnsIn(redis: RedisClient): TakeTurn {
  const takeOnly = onlyTurns(redis);
  return async (name, everyMs, most) => {
    const key = `{eks-access}:turn:${name}`;
    if (most === 1) return takeOnly(key, everyMs);
    return (await redis.eval(takeOneOfScript, 1, key, everyMs, most)) === 1;
  };
}

interface Asked {
  readonly key: string;
  readonly everyMs: number;
  readonly resolve: (isTaken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Each request of Slack takes a turn. What comes within one turn of the event loop goes to Redis in one write: a write of its
 * own for each would cost a busy process more than the rest of what it does with Redis.
 */
function onlyTurns(redis: RedisClient): (key: string, everyMs: number) => Promise<boolean> {
  let asked: Asked[] = [];
  const send = async (): Promise<void> => {
    const together = asked;
    asked = [];
    try {
      const taken = await takeTurns(redis, together);
      for (const [index, { resolve }] of together.entries()) resolve(taken[index] === true);
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  };
  return (key, everyMs) =>
    new Promise((resolve, reject) => {
      if (asked.push({ key, everyMs, resolve, reject }) === 1) setImmediate(send);
    });
}

async function takeTurns(redis: RedisClient, asked: readonly Asked[]): Promise<readonly boolean[]> {
  const keys = asked.map(({ key }) => key);
  const times = asked.map(({ everyMs }) => String(everyMs));
  const taken = await runScript(redis, takeTurnsScript, keys, times);
  if (!Array.isArray(taken)) throw new Error(`Redis answered ${typeof taken} where a list of turns was asked for`);
  return taken.map((each) => each === 1);
}

/** KEYS: turns. ARGV: how long each is taken for, in milliseconds. Gives 1 for each that was free, 0 for the others. */
const takeTurnsScript = scriptOf(`
local taken = {}
for i, key in ipairs(KEYS) do
  taken[i] = redis.call('SET', key, 'taken', 'PX', ARGV[i], 'NX') and 1 or 0
end
return taken
`);
