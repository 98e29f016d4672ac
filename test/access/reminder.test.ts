import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planReminders, remind, remindOfMigration, usualAnswerSeconds } from "../../src/access/lists.ts";
import { migrationDueAt } from "../../src/access/migration.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { dueAt } from "../../src/access/request.ts";
import { aPlannedMigration, reviseMigration } from "../builders/a-migration.ts";
import { aDecision, anApprovedRequest, aPreview, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { anEmergency } from "../builders/an-emergency.ts";
import { at, hours, minutes } from "../builders/times.ts";

const after = [minutes(15), hours(1), hours(4)];
const asked = aPreviewedRequest({
  preview: aPreview({ at: at(0).toISOString() }),
  reminders: planReminders(at(0), at(hours(24)).toISOString(), after),
});

describe("the approvers are reminded", () => {
  test("with growing gaps, and then no more", () => {
    const times: (number | null)[] = [];
    let request: AccessRequest = asked;
    for (let due = dueAt(request); request.reminders?.nextAt; due = dueAt(request)) {
      times.push(due);
      request = remind(request, new Date(due ?? 0), after) ?? expect.fail("it is due, and not sent");
    }

    expect(times).toEqual(after.map((seconds) => at(seconds).getTime()));
    expect(request).toMatchObject({ version: 4, reminders: { sent: 3, nextAt: null } });
    expect(dueAt(request)).toBe(at(hours(24)).getTime());
  });

  test("not before it is time, and once where several were missed", () => {
    const late = remind(asked, at(hours(2)), after);

    expect(remind(asked, at(minutes(15) - 1), after)).toBeNull();
    expect(late?.reminders).toEqual({ sent: 1, nextAt: at(hours(4)).toISOString() });
  });

  test.each([
    ["is decided", { state: "denied" }],
    ["is looked at again", { preview: null }],
    ["was written by a program that knew no reminders", { reminders: undefined }],
  ])("never of a request that %s", (_, change) => {
    expect(remind({ ...asked, ...change } as typeof asked, at(hours(2)), after)).toBeNull();
  });

  test("never when no one can decide any more", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 })), fc.nat(10_000), (times, expires) => {
        const growing = times.toSorted((a, b) => a - b);
        const expiresAt = at(expires).toISOString();

        const { nextAt } = planReminders(at(0), expiresAt, growing);

        expect(nextAt === null || (Date.parse(nextAt) > at(0).getTime() && nextAt < expiresAt)).toBe(true);
      }),
    );
  });
});

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

const denied = (after: number) =>
  aRequest({ state: "denied", denial: aDecision({ verdict: "denied", at: at(minutes(after)).toISOString() }) });

test("the usual time to an answer is the median of decisions, not of what waits or took no approval", () => {
  const others = [aPreviewedRequest(), anEmergency(), anEmergency()];

  expect(usualAnswerSeconds([denied(600), ...others, anApprovedRequest(), denied(10)])).toBe(600);
});

test("too few answers say nothing", () => {
  expect(usualAnswerSeconds([anApprovedRequest(), denied(10)])).toBeNull();
});
