import { connectRedis } from "../../src/redis/connect.ts";
import { redisLedger } from "../../src/redis/ledger.ts";
import type { OpenLedger } from "../ledger/contract.ts";
import { aRedis } from "../redis.ts";

/** The real ledger on an empty database of the run's Redis. */
export async function aLedger(): Promise<OpenLedger> {
  const database = await aRedis();
  const connection = await connectRedis(database.url);
  return {
    ledger: redisLedger(connection.redis),
    close: async () => {
      await connection.close();
      await database.close();
    },
  };
}
