import { expect, test } from "vitest";
import { migrationDueAt } from "../../src/access/migration.ts";
import { planReminders, remindOfMigration } from "../../src/access/reminder.ts";
import { aPlannedMigration, reviseMigration } from "../builders/a-migration.ts";
import { at, hours, minutes } from "../builders/times.ts";

const after = [minutes(15), hours(1), hours(4)];
const waiting = aPlannedMigration({ reminders: planReminders(at(0), at(hours(24)).toISOString(), after) });

test("approvers are reminded of a migration at the same times as of a request, until it expires", () => {
  const times: (number | null)[] = [];
  let migration = waiting;
  for (let due = migrationDueAt(migration); migration.reminders?.nextAt; due = migrationDueAt(migration)) {
    times.push(due);
    migration = remindOfMigration(migration, new Date(due ?? 0), after) ?? expect.fail("it is due, and not sent");
  }

  expect(times).toEqual(after.map((seconds) => at(seconds).getTime()));
  expect(migration.reminders).toEqual({ sent: 3, nextAt: null });
  expect(migrationDueAt(migration)).toBe(at(hours(24)).getTime());
});

test.each([
  ["was decided", { state: "denied" }],
  ["was stopped", { state: "stopped" }],
  ["is carried out", { state: "running" }],
  ["is planned anew", { plan: null }],
] as const)("never of a migration that %s", (_, change) => {
  expect(remindOfMigration(reviseMigration(waiting, change), at(hours(2)), after)).toBeNull();
});
