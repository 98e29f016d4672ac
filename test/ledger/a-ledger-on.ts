import { Redis } from "ioredis";
import type { RedisAccess } from "../../src/ledger/client.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import type { OpenLedger } from "./contract.ts";

/** The ledger by way of a connection of any form; its servers are emptied by their administrator. */
export async function aLedgerOn(
  place: { url: string; access?: RedisAccess },
  administrators: readonly string[],
): Promise<OpenLedger> {
  const { redis, close } = await connectRedis(place.url, place.access);
  return {
    ledger: redisLedger(redis),
    close: async () => {
      await close();
      for (const url of administrators) await asAdministrator(url, async (server) => void (await server.flushall()));
    },
  };
}

/** Runs commands on one server, as its administrator. */
export async function asAdministrator<T>(url: string, run: (server: Redis) => Promise<T>): Promise<T> {
  const server = new Redis(url);
  try {
    return await run(server);
  } finally {
    server.disconnect();
  }
}
