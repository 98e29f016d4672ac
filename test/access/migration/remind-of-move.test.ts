import { expect, test } from "vitest";
import { moveDueAt, reviseMove } from "../../../src/access/migration/move.ts";
import { remindOfMove } from "../../../src/access/migration/remind-of-move.ts";
import { planReminders } from "../../../src/access/request/reminder.ts";
import { aPlannedMove } from "../../builders/a-move.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const after = [minutes(15), hours(1), hours(4)];
const waiting = aPlannedMove({ reminders: planReminders(at(0), at(hours(24)).toISOString(), after) });

test("approvers are reminded of a move at the times at which they are of a request, until it lapses", () => {
  const times: (number | null)[] = [];
  let move = waiting;
  for (let due = moveDueAt(move); move.reminders?.nextAt; due = moveDueAt(move)) {
    times.push(due);
    move = remindOfMove(move, new Date(due ?? 0), after) ?? expect.fail("it is due, and not sent");
  }

  expect(times).toEqual(after.map((seconds) => at(seconds).getTime()));
  expect(move.reminders).toEqual({ sent: 3, nextAt: null });
  expect(moveDueAt(move)).toBe(at(hours(24)).getTime());
});

test.each([
  ["was decided", { state: "denied" }],
  ["was stopped", { state: "withdrawn" }],
  ["is carried out", { state: "running" }],
  ["is planned anew", { plan: null }],
  ["was written by a program that knew no reminders", { reminders: undefined }],
])("never of a move that %s", (_, change) => {
  expect(remindOfMove({ ...waiting, ...change } as typeof waiting, at(hours(2)), after)).toBeNull();
});

test("a move that was written by a program that knew no reminders is due when it lapses", () => {
  const { reminders: _, ...old } = reviseMove(waiting, {});

  expect(moveDueAt(old as typeof waiting)).toBe(at(hours(24)).getTime());
});
