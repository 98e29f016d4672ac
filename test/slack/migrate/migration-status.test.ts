import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf, problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import type { ChainedEvent, EventType } from "../../../src/access/audit-event.ts";
import type { DoneStep } from "../../../src/access/migration.ts";
import type { Json } from "../../../src/access/seal.ts";
import { migrationStatusAnswer } from "../../../src/slack/migrate/plan-answer.ts";
import { detailsModal, failureAnswer } from "../../../src/slack/show/message.ts";
import { aMigration, aPlannedMigration, theLongestMigration } from "../../builders/a-migration.ts";
import { anEvent } from "../../builders/an-event.ts";
import { at, minutes } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const acts = ["approve", "deny", "retry", "stop"] as const;
const proved = (name: string, proof = "It is read back."): DoneStep => ({
  name,
  at: at(minutes(9)).toISOString(),
  proof: [proof],
  place: null,
});

function story(...types: readonly (readonly [EventType, { readonly [key: string]: Json }?])[]): ChainedEvent[] {
  return types.map(([type, detail = {}], index) => ({
    sequence: index + 1,
    event: anEvent({ type, detail, at: at(minutes(index)).toISOString(), actor: "worker" }),
    previous: "",
    hash: "",
  }));
}

describe("the status of a migration", () => {
  test("that waits shows the plan as its message does, when it expires, what happened, and the buttons of this reader", () => {
    const events = story(["migration.asked"], ["migration.planned"]);

    const text = textOfBlocks(migrationStatusAnswer({ migration: aPlannedMigration(), events, acts: ["deny"] }));

    expect(text).toMatchInlineSnapshot(`
      "*<@U0ONCALL> asks to migrate \`staging\` from aws-auth to access entries*
      \`migration-staging-1\`, asked <!date^1772355600^{date_short_pretty} {time}|2026-03-01 09:00:00 UTC>
      → \`arn:aws:iam::111122223333:role/dev\` (mapRoles line 4)
            Gets an access entry.
      · Switch the authentication mode to API_AND_CONFIG_MAP.
            Undo: EKS can't switch back to CONFIG_MAP.
      · Create the access entry of \`arn:aws:iam::111122223333:role/dev\`.
            Undo: Delete the access entry of \`arn:aws:iam::111122223333:role/dev\`.
      · Remove this item from aws-auth: \`arn:aws:iam::111122223333:role/dev\`.
            Undo: Add the items to aws-auth again.
      Plan \`dddddddddddd\`. An approval covers all of it.
      Waiting for 2 different approvers
      Expires <!date^1772442000^{date_short_pretty} {time}|2026-03-02 09:00:00 UTC>.
      *What happened*
      \`#1\` <!date^1772355600^{date_short_pretty} {time}|2026-03-01 09:00:00 UTC> \`worker\` asked for a migration
      \`#2\` <!date^1772355660^{date_short_pretty} {time}|2026-03-01 09:01:00 UTC> \`worker\` planned a migration
      [Deny]"
    `);
  });

  test("that is carried out shows each step with its proof, what failed with its next try, and each step in what happened", () => {
    const events = story(
      ["migration.begun", { step: "switch-mode" }],
      ["migration.delayed", { code: "aws-throttled", attempts: 2 }],
    );
    const message = "EKS asks to wait.";
    const retryAt = at(minutes(20)).toISOString();
    const trouble = { code: "aws-throttled", message, at: at(0).toISOString(), attempts: 2, retryAt, causes: [] };
    const migration = aPlannedMigration({
      state: "running",
      done: [proved("switch-mode", "aws-auth is unchanged.")],
      trouble,
    });

    const text = textOfBlocks(migrationStatusAnswer({ migration, events, acts: ["retry", "stop"] }));

    expect(text).toMatch(/\*Proved\*\n✓ `switch-mode` .*: aws-auth is unchanged\./);
    expect(text).toMatch(/Next try: .*09:20.*\. Finished steps stay\.\n>EKS asks to wait\./);
    expect(text).toContain("started a step of a migration: `switch-mode`");
    expect(text).toContain("(`aws-throttled`, try 2)");
    expect(text).toMatch(/\[Try again\] \[Stop\]$/);
  });

  test("that could not be planned names no step", () => {
    const events = story(["migration.delayed", { code: "access-denied", attempts: 2 }]);

    const text = textOfBlocks(migrationStatusAnswer({ migration: aMigration(), events, acts: [] }));

    expect(text).toContain("could not continue a migration yet (`access-denied`, try 2)");
    expect(text).not.toContain("a step");
  });

  test.each([
    ["waits for a decision", theLongestMigration()],
    [
      "is carried out",
      theLongestMigration({ state: "running", done: Array(99).fill(proved("n".repeat(600), "&".repeat(3_000))) }),
    ],
  ])("of the longest one that %s is something that Slack takes", (_, migration) => {
    const long = Array.from({ length: 500 }, () => ["migration.begun", { step: "&".repeat(500) }] as const);
    const answer = migrationStatusAnswer({ migration, events: story(...long), acts });

    expect(problemsOf(answer.blocks)).toEqual([]);
    expect(lengthOfText(answer.blocks)).toBeLessThan(longestText);
    expect(problemsOfView(detailsModal(migration.id, answer, failureAnswer("&".repeat(3_000))))).toEqual([]);
  });
});
