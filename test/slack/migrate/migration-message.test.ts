import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-message.ts";
import { aPlannedMigration, theLongestMigration } from "../../builders/a-migration.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const steps = (theLongestMigration().plan?.summary.steps ?? []).map(({ name }) => name);
const proved = (name: string) => ({ name, at: at(0).toISOString(), proof: ["&".repeat(3_000)], place: null });

test.each([
  ["waits for a decision", theLongestMigration()],
  ["is carried out", theLongestMigration({ state: "running", done: steps.slice(0, 50).map(proved) })],
  [
    "was planned anew in its midst",
    theLongestMigration({ state: "running", done: steps.map((name) => proved(`${name}b`)) }),
  ],
  ["was stopped", theLongestMigration({ state: "withdrawn", done: steps.map(proved), endedAt: at(9).toISOString() })],
])("the message of the longest migration that %s fits Slack's limits", (_, migration) => {
  const { blocks } = migrationMessage(migration);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});

test("what there is no room for in a message is counted, with the way to all of it", () => {
  const items = 100;

  const [, left] =
    /(\d+) lines not shown: see `\/eks-access migrate staging`/.exec(
      textOfBlocks(migrationMessage(theLongestMigration())),
    ) ?? [];

  expect(Number(left)).toBeGreaterThan(items);
  expect(textOfBlocks(migrationMessage(aPlannedMigration()))).not.toContain("not shown");
});
