import { randomInt, randomUUID } from "node:crypto";
import type { RedisClient } from "./client.ts";
import { setField } from "./clusters.ts";
import { runScript, scriptOf } from "./commit-script.ts";

/** Longer than its work: a post can wait a minute for Slack's limit. A kept turn lasts longer. */
export const claimMs = 120_000;

/** Once in this time for all processes. If it fails, or its process dies, the next one after `claimMs` does it. */
export async function inTurn(
  ledger: Pick<TurnLedger, "claimTurn" | "keepTurn">,
  name: string,
  everyMs: number,
  act: () => Promise<unknown>,
): Promise<void> {
  if (!(await ledger.claimTurn(name, everyMs))) return;
  await act();
  await ledger.keepTurn(name, everyMs);
}

/** Whether the ledger takes a write now: a full Redis answers too. @throws AccessError */
export async function takeWrite(ledger: Pick<TurnLedger, "takeTurn">): Promise<void> {
  await ledger.takeTurn("does-it-write", 1);
}

const runsKey = "{eks-access}:runs";

export type TurnLedger = ReturnType<typeof redisTurns>;

/** What processes share so that only one of them does something. */
export function redisTurns(redis: RedisClient) {
  return {
    /** One of `most` turns (one if absent) of all processes in `everyMs`. It only saves work: it can be done twice. */
    takeTurn: (name: string, everyMs: number, most = 1) => takeTurn(redis, name, everyMs, most, everyMs),
    /** A turn that ends soon unless `keepTurn` follows its work: what a process that died left undone, another one does. */
    claimTurn: (name: string, everyMs: number) => takeTurn(redis, name, everyMs, 1, claimMs),
    /** @param forMs from now; 0: the next one can take it at once */
    keepTurn: async (name: string, forMs: number): Promise<void> => {
      await (forMs > 0 ? redis.set(turnKey(name), 1, "PX", forMs) : redis.del(turnKey(name)));
    },
    /** Whether the work of this turn is done: a mere claim ends sooner. */
    isTurnKept: async (name: string) => (await redis.pttl(turnKey(name))) > claimMs,
    /** Earlier runs then send nothing more to EKS, which keeps no versions. @returns a name that comes only once */
    beginRun: async (cluster: string): Promise<string> => {
      const run = randomUUID();
      await setField(redis, runsKey, cluster, run);
      return run;
    },
    isNewestRun: async (cluster: string, run: string) => (await redis.hget(runsKey, cluster)) === run,
  };
}

/**
 * A forged turn ends after its period too: otherwise it would stop what takes turns, for example the sweep, in all processes.
 * KEYS: the turn. ARGV: the period in milliseconds, the number of turns, what this call wrote if it was the first. Returns 1 if one was left.
 */
const takeTurnScript = scriptOf(`
if ARGV[2] == '1' and redis.pcall('GET', KEYS[1]) == ARGV[3] then return 1 end
local taken = redis.pcall('INCR', KEYS[1])
if type(taken) == 'table' then
  redis.call('SET', KEYS[1], 1)
  taken = 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return taken <= tonumber(ARGV[2]) and 1 or 0
`);

const turnKey = (name: string) => `{eks-access}:turn:${name}`;

/**
 * Most turns are new: one command takes such a turn, for `firstMs`, and each acknowledgement waits for one. After a broken connection
 * ioredis sends it again, and must know its own turn: otherwise a click would count as its own repetition.
 */
async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number, firstMs: number) {
  const key = turnKey(name);
  const first = String(most === 1 ? randomInt(2, 2 ** 47) : 1);
  if ((await redis.set(key, first, "PX", firstMs, "NX")) === "OK") return true;
  return (await runScript(redis, takeTurnScript, [key], [String(everyMs), String(most), first])) === 1;
}
