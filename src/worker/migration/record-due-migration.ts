import { type Migration, reviseMigration } from "../../access/migration/migration.ts";
import { remindOfMigration } from "../../access/migration/remind-of-migration.ts";
import { migrationEvent, recordMigration } from "../../ledger/record-migration.ts";
import type { WorkerContext } from "../context.ts";

/**
 * What of a move that is due is a matter of its record alone; null: somebody has to look at its cluster. Where somebody
 * decides at the same moment, one wins: what is still due then is found again.
 */
export function recordDueMigration(
  context: WorkerContext,
  migration: Migration,
  now: Date,
): (() => Promise<void>) | null {
  if (migration.state !== "pending") return null;
  if (Date.parse(migration.lapsesAt) <= now.getTime()) return () => lapse(context, migration, now);
  const reminded = remindOfMigration(migration, now, context.config.timing.remindAfterSeconds);
  return reminded && (() => recordReminder(context, reminded, now));
}

async function lapse(context: WorkerContext, migration: Migration, now: Date): Promise<void> {
  const after = reviseMigration(migration, { state: "lapsed", endedAt: now.toISOString(), trouble: null });
  const detail = { why: "nobody decided in time" };
  await recordMigration(context, after, migrationEvent("migration.lapsed", after, "worker", now, detail), now);
}

async function recordReminder(context: WorkerContext, after: Migration, now: Date): Promise<void> {
  const detail = { sent: after.reminders?.sent ?? 0 };
  await recordMigration(context, after, migrationEvent("migration.reminded", after, "worker", now, detail), now);
}
