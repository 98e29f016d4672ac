import { openQueues } from "../ledger/queues.ts";
import { connectLedger } from "../ledger/redis/connect.ts";
import { redisLedger } from "../ledger/redis/ledger.ts";
import { FailureLog } from "../operations/failure-log.ts";
import { createLog } from "../operations/log.ts";
import type { WorkerContext } from "../worker/context.ts";
import { type Settings, workerKeysOf } from "./settings.ts";

/** What a command that ends by itself does in the worker's place, with its ledger. @throws AccessError */
export async function withWorkerContext<T>(
  settings: Settings,
  name: string,
  run: (context: WorkerContext) => Promise<T>,
): Promise<T> {
  const { environment, config } = settings;
  const { redis, close } = await connectLedger(environment.redisUrl, environment.redisAccess);
  const queues = openQueues(redis);
  const log = createLog("silent", name);
  try {
    return await run({
      ledger: redisLedger(redis),
      queues,
      log,
      failures: new FailureLog(log),
      config,
      keys: workerKeysOf(settings),
      now: () => new Date(),
    });
  } finally {
    await queues.close();
    await close();
  }
}
