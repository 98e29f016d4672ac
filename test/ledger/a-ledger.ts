import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { aRedis } from "../redis.ts";
import type { OpenLedger } from "./contract.ts";

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
