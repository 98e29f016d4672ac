import { expect, test } from "vitest";
import { isLong } from "../form.ts";
import { faultKinds } from "./fault-kinds.ts";
import { playAll } from "./play-all.ts";
import {
  accessEntrySection,
  bindingFaults,
  bindingSection,
  crossSection,
  everyAccessEntryRun,
  everyRun,
} from "./runs.ts";
import { bindingSteps } from "./steps.ts";
import { problemsOf, tallyText } from "./tally.ts";

test("no lease is lost, doubled, announced early or left behind, whatever fails at whatever step", async () => {
  const runs = isLong ? everyRun() : crossSection();

  const tally = await playAll(runs, isLong ? 5 : 2);

  console.info(tallyText(tally));
  expect(problemsOf(tally), problemsOf(tally)).toBe("");
  expect(tally.faults.size).toBeGreaterThanOrEqual(faultKinds.length);
  expect(tally.active).toBeGreaterThan(0);
  // A refusal of AWS that passes refuses no request. In the long form a few answers of the cluster still do, each with its reason.
  expect(tally.refused).toBeLessThanOrEqual(isLong ? 5 : 0);
}, 7_200_000);

test("no lease by bindings is lost, doubled, announced early or left behind, nor its entry, whatever fails at whatever step", async () => {
  const runs = isLong ? everyRun(bindingSteps) : bindingSection();

  const tally = await playAll(runs, isLong ? 5 : 2, "bindings");

  console.info(tallyText(tally));
  expect(problemsOf(tally), problemsOf(tally)).toBe("");
  expect(tally.faults.size).toBeGreaterThanOrEqual((isLong ? faultKinds : bindingFaults).length);
  expect(tally.active).toBeGreaterThan(0);
}, 7_200_000);

test("no lease by bindings is left behind, nor its access entry, whatever strikes at whatever step", async () => {
  const runs = isLong ? everyAccessEntryRun() : accessEntrySection();

  const tally = await playAll(runs, isLong ? 5 : 1, "bindings by access entries");

  console.info(tallyText(tally));
  expect(problemsOf(tally), problemsOf(tally)).toBe("");
  expect(tally.active).toBe(runs.length);
}, 7_200_000);
