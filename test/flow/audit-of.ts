import { type ChainedEvent, type ChainVerdict, verifyChain } from "../../src/access/audit-event.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";

/** The audit log of a flow: whether its chain is whole, and its event types in order. */
export async function auditOf(
  redisUrl: string,
): Promise<{ verdict: ChainVerdict; types: readonly string[]; events: readonly ChainedEvent[] }> {
  const { redis, close } = await connectRedis(redisUrl);
  try {
    const events = await redisLedger(redis).events(1, 10_000);
    return { verdict: verifyChain(events), types: events.map(({ event }) => event.type), events };
  } finally {
    await close();
  }
}
