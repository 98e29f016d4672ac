import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Migration } from "../../../src/access/migration.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { at, minutes } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const names = Array.from({ length: 9 }, (_, index) => `c${index}`);
const staging = configText.slice(configText.indexOf("  staging"), configText.indexOf("levels:\n"));
const others = names.map((name) => staging.replaceAll("staging", name));

let app: SlackApp;
beforeEach(async () => {
  app = await aSlackApp({ config: configText.replace("levels:\n  viewer", `${others.join("")}levels:\n  viewer`) });
});
afterEach(() => app.stop());

async function put(change: Partial<Migration> = {}): Promise<void> {
  const migration = aPlannedMigration(change);
  await app.ledger.commit({
    after: migration,
    event: eventOf("migration.asked", migration, migration.requester, at(0)),
  });
}
const list = async (user: string, which: string) => textOf(await app.say(user, `list ${which}`));
const idsIn = (text: string) => [...text.matchAll(/\(`((?:r|migration)-[\w-]+)`\)/g)].map(([, id]) => id);

test("a migration is in the lists of its requester and of the approvers and on-call of its cluster, and in no one else's", async () => {
  await put();

  for (const which of ["pending", "staging"]) {
    expect(await list("U0APPROVER", which)).toMatch(
      /migration-staging-1.*Waiting for 2 different approvers.*\[Review\] \[Stop\]/s,
    );
    expect(await list("U0ONCALL", which)).toMatch(/migration-staging-1.*\[Details\] \[Stop\]/s);
    expect(await list("U0ENGINEER", which)).not.toContain("migration");
  }
  expect(await list("U0ONCALL", "mine")).toContain("*Your requests and migrations*: 1");
  expect(await list("U0APPROVER", "mine")).not.toContain("migration");
  expect(await list("U0APPROVER", "active")).not.toContain("migration");
  expect(await list("U0APPROVER", "c1")).not.toContain("migration");
});

test("what is carried out is active, and what is over is in no list", async () => {
  await put({ state: "running" });
  await put({ id: "migration-c1-1", cluster: "c1", state: "done" });

  expect(await list("U0APPROVER", "active")).toMatch(/migrations\*.*: 1.*Running: 0 of 3 steps.*\[Stop\]/s);
  expect(await list("U0APPROVER", "pending")).not.toContain("migration");
  expect(await list("U0APPROVER", "c1")).not.toContain("migration");
});

test("migrations come first, the longest waiting before the others; requests follow", async () => {
  for (const [index, name] of names.entries()) {
    await put({ id: `migration-${name}-1`, cluster: name, createdAt: at(-minutes(index)).toISOString() });
  }
  for (const id of ["r-1", "r-2"]) await app.put(aPreviewedRequest({ id }));
  const approver = app.person("U0APPROVER");

  const first = await app.say("U0APPROVER", "list pending");
  await approver.click(first, "list-next");
  const second = await app.slack.until(() => {
    const now = approver.ephemerals().at(-1);
    return now && textOf(now).includes("9 to 11 of 11") ? now : undefined;
  });

  expect(textOf(first)).toContain("1 to 8 of 11");
  expect(idsIn(textOf(first))).toEqual(
    names
      .slice(1)
      .toReversed()
      .map((name) => `migration-${name}-1`),
  );
  expect(idsIn(textOf(second))).toEqual(["migration-c0-1", "r-1", "r-2"]);
});

test("open details of a migration show the result of a click in them", async () => {
  await put();
  const approver = app.person("U0APPROVER");

  const page = await app.say("U0APPROVER", "list pending");

  await approver.click(page, "details");
  const details = await app.slack.until(() => approver.view());
  await approver.click(details, "approve");

  const after = await app.slack.until(() => {
    const view = approver.view();
    return view && textOf(view).includes("Needs 1 more approval") ? view : undefined;
  });
  expect(after.title).toBe("Plan");
  expect(textOf(after)).toContain("Approved by <@U0APPROVER>");
});
