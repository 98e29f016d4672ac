import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Migration } from "../../../src/access/migration.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});
afterEach(() => app.stop());

const cards = () => app.slack.messages("C0ACCESS").map(textOf);

/** Redis loses everything, and has only these versions of a record again. */
async function restore(...versions: readonly (AccessRequest | Migration)[]): Promise<void> {
  Object.assign(app.ledger, memoryLedger());
  await commit(...versions);
}

async function commit(...versions: readonly (AccessRequest | Migration)[]): Promise<void> {
  for (const after of versions) {
    await app.ledger.commit({ after, event: eventOf("record.undone", after, "worker", at(0)) });
  }
}

test("a card that shows a lost version is changed by another one with its number", async () => {
  const [pending, lost] = [aPreviewedRequest({ version: 1 }), aLeasedRequest({ state: "active" }, { version: 2 })];
  await commit(pending, lost);
  await app.show(lost.id);
  const late = await app.ledger.shown(lost.id);
  await restore(pending);
  // A messenger that had read the lost version notes only now that it shows it.
  if (late) await app.ledger.markShown(lost.id, late);

  await commit({ ...pending, version: 2 });
  await app.show(pending.id);

  expect(cards()).toEqual([expect.stringContaining("[Approve]")]);
});

test("messages whose places a restored Redis lost are changed, and made no second time", async () => {
  const pending = aPreviewedRequest({ version: 1 });
  await commit(pending);
  await app.show(pending.id);
  await restore(pending, aLeasedRequest({ state: "active" }, { version: 2 }));

  await app.show(pending.id);

  expect(cards()).toEqual([expect.stringContaining("*Active*")]);
  const [direct = "", ...replies] = app.person("U0ENGINEER").directMessages().map(textOf);
  expect(direct).toContain("is active until");
  expect(replies).toEqual([expect.stringContaining("is active until")]);
});

test("a migration that Redis lost keeps no buttons when the next one gets its number", async () => {
  const lost = aPlannedMigration({ version: 1, state: "running" });
  await commit(lost);
  await app.showMigration(lost.id);
  await restore(aPlannedMigration({ version: 1, createdAt: at(minutes(1)).toISOString() }));

  await app.showMigration(lost.id);

  const [before = "", after = "", ...more] = cards();
  expect(before).toMatch(/Lost[\s\S]*Running[\s\S]*no longer exists\./);
  expect(before).not.toMatch(/\[(Stop|Review)\]/);
  expect(after).toContain("[Review]");
  expect(more).toEqual([]);
});
