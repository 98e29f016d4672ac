import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
let isDown = false;
let held = Promise.resolve();
let reads = 0;

const watched = (ledger: Ledger): Ledger => ({
  ...ledger,
  list: async (...of) => {
    reads += 1;
    await held;
    return isDown ? Promise.reject(new Error("connect ECONNREFUSED")) : ledger.list(...of);
  },
});

beforeAll(async () => {
  app = await aSlackApp({ ledger: watched });
});
afterAll(() => app.stop());

async function homeOf(user: string, text: string) {
  const person = app.person(user);
  const before = person.home()?.hash;
  await person.openHome();
  return app.slack.until(() => {
    const home = person.home();
    return home && home.hash !== before && textOf(home).includes(text) ? home : undefined;
  });
}

test("access is ended in App Home, and the answer comes over it", async () => {
  const { id } = await app.put(aLeasedRequest({}, { id: "r-home" }));
  const engineer = app.person("U0ENGINEER");

  await engineer.click(await homeOf("U0ENGINEER", id), "I'm done");
  const answer = await app.slack.until(() => engineer.view());

  expect(textOf(answer)).toContain("Revoking `r-home`");
  expect((await app.ledger.get(id))?.lease?.end?.by).toBe("U0ENGINEER");
  expect(textOf(await homeOf("U0ENGINEER", "Ending, revoked"))).not.toContain("[I'm done]");
});

test("a request is asked for and reviewed in App Home", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-review" }));
  const approver = app.person("U0APPROVER");
  const engineer = app.person("U0ENGINEER");

  await approver.click(await homeOf("U0APPROVER", id), "Review");
  const details = await app.slack.until(() => approver.view());
  expect(details.json.submit).toMatchObject({ text: "Approve" });
  await approver.submit();
  await expect.poll(async () => (await app.ledger.get(id))?.state).toBe("approved");
  await engineer.close();
  await engineer.click(await homeOf("U0ENGINEER", "[Ask for access]"), "Ask for access");

  expect(textOf(await homeOf("U0APPROVER", "*Recent*"))).toContain("*Waiting for your decision*: none");
  expect((await app.slack.until(() => engineer.view())).callback_id).toBe("request");
});

test("App Home shows a migration to its requester, and to each approver until they approve it", async () => {
  const migration = aPlannedMigration();
  await app.ledger.commit({
    after: migration,
    event: eventOf("migration.asked", migration, "U0ONCALL", at(0)),
  });
  const approver = app.person("U0APPROVER");

  await approver.click(await homeOf("U0APPROVER", migration.id), "Review");
  const details = await app.slack.until(() => {
    const view = approver.view();
    return view?.title === "Plan" ? view : undefined;
  });
  await approver.click(details, "approve");
  await expect.poll(async () => (await app.ledger.migrations.get(migration.id))?.approvals.length).toBe(1);

  expect(textOf(await homeOf("U0APPROVER", "*Recent*"))).not.toContain(migration.id);
  expect(textOf(await homeOf("U0APPROVER2", migration.id))).toContain("*Waiting for your decision* (1)");
  expect(textOf(await homeOf("U0ONCALL", migration.id))).toMatch(
    /\*Your requests and migrations\* \(1\).*Approved by <@U0APPROVER>.*\[Stop\]/s,
  );
  expect(textOf(await homeOf("U0ENGINEER", "*Recent*"))).not.toContain("migration");
});

test("openings at once are one publication: no one person takes the Homes that Slack allows for all", async () => {
  await homeOf("U0ENGINEER", "Your access");
  const once = reads;
  await homeOf("U0ENGINEER", "Your access");
  const each = reads - once;
  let release = () => {};
  held = new Promise((resolve) => {
    release = resolve;
  });

  const before = reads;
  await Promise.all(Array.from({ length: 6 }, () => app.person("U0ENGINEER").openHome()));
  await app.say("U0APPROVER", "help");
  release();
  await homeOf("U0ENGINEER", "Your access");

  expect(reads - before).toBeLessThanOrEqual(3 * each);
});

test("while the ledger does not answer, App Home says so, and nothing that may not be true", async () => {
  isDown = true;

  const home = textOf(await homeOf("U0ONCALL", "Reopen in a minute"));
  isDown = false;

  expect(home).not.toContain("Your access");
  expect(textOf(await homeOf("U0ONCALL", "Your access"))).not.toContain("Reopen in a minute");
});
