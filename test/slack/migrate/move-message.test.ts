import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { moveMessage } from "../../../src/slack/migrate/move-message.ts";
import { aPlannedMove, theLongestMove } from "../../builders/a-move.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../messages/text-of-blocks.ts";

const steps = (theLongestMove().plan?.summary.steps ?? []).map(({ name }) => name);
const proved = (name: string) => ({ name, at: at(0).toISOString(), proof: ["&".repeat(3_000)] });

test.each([
  ["waits for a decision", theLongestMove()],
  ["is carried out", theLongestMove({ state: "running", done: steps.slice(0, 50).map(proved) })],
  [
    "was planned anew in its midst",
    theLongestMove({ state: "running", done: steps.map((name) => proved(`${name}b`)) }),
  ],
  ["was stopped", theLongestMove({ state: "withdrawn", done: steps.map(proved), endedAt: at(9).toISOString() })],
])("the message of the longest move that %s is something that Slack takes", (_, move) => {
  const { blocks } = moveMessage(move);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});

test("what there is no room for in a message is counted, with the way to all of it", () => {
  const items = 100;

  const [, left] =
    /(\d+) lines left out here: `\/eks-access migrate staging`/.exec(textOfBlocks(moveMessage(theLongestMove()))) ?? [];

  expect(Number(left)).toBeGreaterThan(items);
  expect(textOfBlocks(moveMessage(aPlannedMove()))).not.toContain("left out");
});
