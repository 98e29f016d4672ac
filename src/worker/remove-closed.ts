import { isMigration, type LedgerRecord, recordClosedSince } from "../access/lists.ts";
import { withoutForgedReview } from "../access/seals.ts";
import type { ClosedBatch } from "../ledger/closed.ts";
import type { WorkerContext } from "./context.ts";

type RemovalContext = Pick<WorkerContext, "ledger" | "config" | "keys" | "log" | "now" | "failures">;

/** How often a worker looks for records to remove. Milliseconds. */
export const removalsEveryMs = 60_000;
/** Records in one read. Each is removed in its own call, so that Redis can answer others in between. */
const removedAtOnce = 100;
/** In one turn: enough to empty a full ledger in some minutes. */
const maxBatches = 10;
/** The next look at a record that can't be removed now, for example because no message shows it. */
const keptAgainMs = 24 * 3_600_000;

/** Removes the closed records that are older than the configuration keeps them; their events stay. One worker at a time. */
export function removeClosedByTheClock(context: RemovalContext): Promise<void> {
  return context.failures.during("could not remove closed records", {}, async () => {
    if (await context.ledger.takeTurn("removals", removalsEveryMs * 0.9)) await removeClosed(context);
  });
}

/** In batches, within one turn. No event: the audit log has each record's history. @returns the number of removed records */
export async function removeClosed(context: Omit<RemovalContext, "failures">): Promise<number> {
  const { ledger, config, log, now } = context;
  const before = new Date(now().getTime() - config.ledger.keepSeconds * 1000);
  const taking: ClosedBatch = {
    before,
    postponedUntil: new Date(before.getTime() + keptAgainMs),
    limit: removedAtOnce,
  };
  let removed = 0;
  for (let taken = 0; taken < maxBatches; taken += 1) {
    const records = await ledger.takeClosed(taking);
    for (const record of records) removed += (await remove(context, record, before)) ? 1 : 0;
    if (records.length === 0) break;
  }
  if (removed > 0) log.info({ removed }, "removed closed records from the ledger");
  return removed;
}

/** The list in Redis says where to look, but only the record says whether it is over, without a forged review. */
async function remove(
  { ledger, config, keys, now }: Omit<RemovalContext, "failures">,
  stored: LedgerRecord,
  before: Date,
): Promise<boolean> {
  const record = isMigration(stored) ? stored : withoutForgedReview(stored, keys.decision, now());
  const since = recordClosedSince(record);
  const { keepSeconds } = config.audit;
  const logForMs = keepSeconds === null ? null : keepSeconds * 1000;
  return since !== null && since <= before.getTime() && ledger.remove(stored, logForMs);
}
