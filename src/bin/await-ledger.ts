import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { AccessError, explain } from "../access/failure/access-error.ts";
import type { Environment } from "../config/environment.ts";
import { connectLedger, type RedisConnection } from "../ledger/redis/connect.ts";

/** Redis may start beside this process: its first answer is not missed by long. */
const againMs = 1_000;

/**
 * Connects to the ledger, and waits for a Redis that does not answer: it may start later than this process, or come back. The
 * log says so, once for each cause.
 * @throws AccessError where waiting does not help, or the process is told to stop
 */
export async function awaitLedger(
  { redisUrl, redisAccess }: Environment,
  log: Logger,
  stop: AbortSignal,
): Promise<RedisConnection> {
  let told = "";
  for (;;) {
    try {
      return await connectLedger(redisUrl, redisAccess);
    } catch (error) {
      if (!(error instanceof AccessError) || !error.retryable) throw error;
      if (explain(error) !== told) log.warn({ err: error }, `waiting for Redis: ${explain(error)}`);
      told = explain(error);
      await pause(againMs, null, { signal: stop });
    }
  }
}
