import { type Move, reviseMove } from "../../access/migration/move.ts";
import { remindOfMove } from "../../access/migration/remind-of-move.ts";
import { moveEvent, recordMove } from "../../ledger/record-move.ts";
import type { WorkerContext } from "../context.ts";

/**
 * What of a move that is due is a matter of its record alone; null: somebody has to look at its cluster. Where somebody
 * decides at the same moment, one wins: what is still due then is found again.
 */
export function recordDueMove(context: WorkerContext, move: Move, now: Date): (() => Promise<void>) | null {
  if (move.state !== "pending") return null;
  if (Date.parse(move.lapsesAt) <= now.getTime()) return () => lapse(context, move, now);
  const reminded = remindOfMove(move, now, context.config.timing.remindAfterSeconds);
  return reminded && (() => recordReminder(context, reminded, now));
}

async function lapse(context: WorkerContext, move: Move, now: Date): Promise<void> {
  const after = reviseMove(move, { state: "lapsed", endedAt: now.toISOString(), trouble: null });
  const detail = { why: "nobody decided in time" };
  await recordMove(context, after, moveEvent("migration.lapsed", after, "worker", now, detail), now);
}

async function recordReminder(context: WorkerContext, after: Move, now: Date): Promise<void> {
  const detail = { sent: after.reminders?.sent ?? 0 };
  await recordMove(context, after, moveEvent("migration.reminded", after, "worker", now, detail), now);
}
