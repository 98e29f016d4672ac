import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { theLongestMigration } from "../../builders/a-migration.ts";
import { at } from "../../builders/times.ts";

const steps = (theLongestMigration().plan?.summary.steps ?? []).map(({ name }) => name);
const proved = (name: string) => ({ name, at: at(0).toISOString(), proof: ["&".repeat(3_000)], place: null });

test.each([
  ["waits for a decision", theLongestMigration()],
  ["is carried out", theLongestMigration({ state: "running", done: steps.slice(0, 50).map(proved) })],
  [
    "was planned anew in its midst",
    theLongestMigration({ state: "running", done: steps.map((name) => proved(`${name}b`)) }),
  ],
  ["was stopped", theLongestMigration({ state: "stopped", done: steps.map(proved), endedAt: at(9).toISOString() })],
])("the message of the longest migration that %s fits Slack's limits", (_, migration) => {
  const { blocks } = migrationMessage(migration);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});
