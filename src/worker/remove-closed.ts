import { withoutForgedReview } from "../access/approval/seals.ts";
import type { ClosedBatch } from "../ledger/ledger.ts";
import { isMigration, type LedgerRecord, recordClosedSince } from "../ledger/records.ts";
import type { WorkerContext } from "./context.ts";

type RemovalContext = Pick<WorkerContext, "ledger" | "config" | "keys" | "log" | "now">;

/** How often a worker looks for records to remove. Milliseconds. */
export const removalsEveryMs = 60_000;
/** Records that are read at once. Each is removed in its own call: between two calls Redis answers others. */
const batch = 100;
/** In one turn: a full ledger is empty after some minutes. */
const maxBatches = 10;
/** The next look at a record that can't be removed now, for example because no message shows it. */
const lookAgainMs = 24 * 3_600_000;

/** Removes the closed records that are older than the configuration keeps them; their events stay. One worker at a time. */
export async function removeClosedByTheClock(context: RemovalContext): Promise<void> {
  if (await context.ledger.takeTurn("removals", removalsEveryMs * 0.9)) await removeClosed(context);
}

/**
 * Removes closed records in batches, within one turn. That changes no access, so it is no event: the worker's log has the number, and the
 * audit log has each record's history.
 *
 * @returns how many were removed
 */
export async function removeClosed(context: RemovalContext): Promise<number> {
  const { ledger, config, log, now } = context;
  const before = new Date(now().getTime() - config.ledger.keepSeconds * 1000);
  const taking: ClosedBatch = { before, putOffUntil: new Date(before.getTime() + lookAgainMs), limit: batch };
  let removed = 0;
  for (let taken = 0; taken < maxBatches; taken += 1) {
    const records = await ledger.takeClosed(taking);
    for (const record of records) removed += (await remove(context, record, before)) ? 1 : 0;
    if (records.length === 0) break;
  }
  if (removed > 0) log.info({ removed }, "removed closed records from the ledger");
  return removed;
}

/** The list in Redis says where to look, but the record itself says whether it is over, without a forged review. */
async function remove(
  { ledger, config, keys, now }: RemovalContext,
  stored: LedgerRecord,
  before: Date,
): Promise<boolean> {
  const record = isMigration(stored) ? stored : withoutForgedReview(stored, keys.decision, now());
  const since = recordClosedSince(record);
  return since !== null && since <= before.getTime() && ledger.remove(stored, logForMs(config));
}

/** The events, and the index to them, are removed after this; null: never. */
function logForMs({ audit }: WorkerContext["config"]): number | null {
  return audit.keepSeconds === null ? null : audit.keepSeconds * 1000;
}
