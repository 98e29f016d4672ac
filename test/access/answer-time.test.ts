import { expect, test } from "vitest";
import { usualAnswerSeconds } from "../../src/access/reminder.ts";
import { aDecision, anApprovedRequest, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { anEmergency } from "../builders/an-emergency.ts";
import { at, minutes } from "../builders/times.ts";

const denied = (after: number) =>
  aRequest({ state: "denied", denial: aDecision({ verdict: "denied", at: at(minutes(after)).toISOString() }) });

test("the usual time to an answer is the median of decisions, not of what waits or took no approval", () => {
  const open = [aPreviewedRequest(), anEmergency()];

  expect(usualAnswerSeconds([...open, anApprovedRequest(), denied(10), denied(600)])).toBe(600);
});

test("too few answers say nothing", () => {
  expect(usualAnswerSeconds([anApprovedRequest(), denied(10)])).toBeNull();
});
