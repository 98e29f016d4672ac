import { remindersAfter } from "../request/reminder.ts";
import { type Migration, reviseMigration } from "./migration.ts";

/** The record once a reminder that is due is sent, as of a request; null: none is. */
export function remindOfMigration(migration: Migration, now: Date, afterSeconds: readonly number[]): Migration | null {
  const { state, plan, reminders, lapsesAt } = migration;
  if (state !== "pending" || !plan) return null;
  const after = remindersAfter({ askedAt: plan.at, lapsesAt, reminders }, now, afterSeconds);
  return after && reviseMigration(migration, { reminders: after });
}
