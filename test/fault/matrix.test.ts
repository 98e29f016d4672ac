import { expect, test } from "vitest";
import { type FaultKind, faultKinds, hang } from "./fault-kinds.ts";
import { isLong } from "./form.ts";
import { playAll } from "./play-all.ts";
import type { Run } from "./play-run.ts";
import { type Step, steps } from "./steps.ts";
import { tallyText } from "./tally.ts";

const named = (pairs: readonly (readonly [Step, FaultKind])[]): Run[] =>
  pairs.map(([step, fault], index) => ({ name: `run-${index}`, step, fault }));

/** Every step with every fault. */
function everything(): Run[] {
  const kinds = [...faultKinds, hang];
  return named(
    steps.flatMap((step) => kinds.filter((kind) => kind.appliesTo(step)).map((kind) => [step, kind] as const)),
  );
}

/** Every other step with one fault, so that each fault has its turn and the calls of each service are met. */
function crossSection(): Run[] {
  return named(
    steps.flatMap((step, row) => {
      const kind = faultKinds[(row / 2) % faultKinds.length];
      return kind?.appliesTo(step) ? [[step, kind] as const] : [];
    }),
  );
}

test("no grant is lost, doubled, announced early or left behind, whatever fails at whatever step", async () => {
  const runs = isLong ? everything() : crossSection();

  const tally = await playAll(runs, isLong ? 4 : 3);

  console.info(tallyText(tally));
  const { lost, doubled, untrue, leftBehind, stuck, missed } = tally;
  expect({ lost, doubled, untrue, leftBehind, stuck, missed }).toEqual({
    ...{ lost: [], doubled: [], untrue: [], leftBehind: [], stuck: [], missed: [] },
  });
  expect(tally.faults.size).toBe(isLong ? faultKinds.length + 1 : faultKinds.length);
}, 1_800_000);
