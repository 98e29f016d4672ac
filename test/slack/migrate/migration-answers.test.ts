import { expect, test } from "vitest";
import { stopMigrationButton } from "../../../src/slack/migrate/migration-buttons.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { openingMigrationMessage } from "../../../src/slack/migrate/migration-message.ts";
import {
  migrationAskedAnswer,
  migrationRefusedAnswer,
  migrationRetriedAnswer,
  migrationThreadOf,
} from "../../../src/slack/migrate/migration-words.ts";
import { migrationStatusAnswer } from "../../../src/slack/migrate/read-migration-status.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration, changedMigration } from "../../builders/a-migration.ts";
import { anEvent } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

test.each([
  ["no-preview", "The worker must check the cluster first. Try again in a minute."],
  ["change-differs", "The change is different now. Read the message again, then decide."],
  ["quiet", "`staging` takes no approvals now: &lt;!channel&gt; a `*big*` release. You can still deny."],
] as const)(
  "a person who can't decide now, because %s, reads where to look, with what an operator wrote as plain text",
  (code, text) => {
    const cluster = aCluster({ quiet: "<!channel> a *big* release." });

    expect(migrationRefusedAnswer(code, aPlannedMigration(), cluster).text).toBe(text);
  },
);

test("every text about a repair calls it a repair", () => {
  const repair = aPlannedMigration({ kind: "repair", reminders: { sent: 1, nextAt: at(9).toISOString() } });
  const running = changedMigration(repair, { state: "running" });
  const asked = anEvent({ type: "migration.asked", detail: {} });
  const events = [{ sequence: 1, event: asked, previous: "", hash: "" }];
  const cluster = aCluster();
  const expired = migrationRefusedAnswer("expired", repair, cluster).text;

  const texts = [
    ...[openingMigrationMessage(repair, cluster), migrationMessage(repair), migrationMessage(running)].map(
      textOfBlocks,
    ),
    textOfBlocks(migrationStatusAnswer({ migration: repair, events, acts: ["approve", "deny"] })),
    ...migrationThreadOf(repair, cluster).map(({ text }) => text),
    ...[repair, running].map((each) => JSON.stringify(stopMigrationButton(each).confirm)),
    ...[migrationAskedAnswer, migrationRetriedAnswer].map((answer) => answer(repair).text),
    expired,
  ];

  expect(texts.filter((text) => /migrat/i.test(text.replaceAll("migration-staging-1", "")))).toEqual([]);
  expect(expired).toContain("`/eks-access repair staging`");
  expect(texts.join("\n")).toContain("waits for your decision about the repair of `staging`");
});
