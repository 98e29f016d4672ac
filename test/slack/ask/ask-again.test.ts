import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { WhyReport } from "../../../src/diagnosis/reports.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

/** What a worker says of a person whose lease is over. */
const report: WhyReport = {
  type: "diagnosis",
  principal: engineerArn,
  noticed: null,
  identity: null,
  symptom: "unauthorized",
  causes: [
    {
      code: "lease-ended",
      message: "`viewer` (`r-1`) ran out.",
      remedy: "Ask again.",
      offer: { type: "ask-again", request: "r-1" },
    },
  ],
};
let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp({ worker: async () => report });
  await app.put(aLeasedRequest({ state: "ended" }));
});
afterAll(() => app.stop());

test("why offers the person who held a lease to ask for the same again: two clicks and a sentence", async () => {
  const why = await app.say("U0ENGINEER", `why staging ${engineerArn}`);
  const engineer = app.person("U0ENGINEER");

  await engineer.click(why, "Request again");
  await app.slack.until(() => engineer.view());
  await engineer.submit({ Why: "the deployment of checkout hangs" });

  expect(engineer.view()).toBeUndefined();
  expect(await app.ledger.get("r-new1")).toMatchObject({
    state: "pending",
    level: "viewer",
    durationSeconds: 4 * 3600,
    reason: "the deployment of checkout hangs",
    extends: null,
  });
});

test("no one asks again for what another person had", async () => {
  const why = await app.say("U0ONCALL", `why staging ${engineerArn}`);

  await app.person("U0ONCALL").click(why, "Request again");
  const answer = await app.slack.until(() => app.person("U0ONCALL").view());

  expect(textOf(answer)).toContain("Only <@U0ENGINEER> can do this.");
});

test("what is over is asked for again from its card, in the form, with its ticket and without its reason", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-2", state: "denied", durationSeconds: 5400 }));
  const engineer = app.person("U0ENGINEER");

  await engineer.click(await app.show(id), "Request again");
  const view = await app.slack.until(() => engineer.view());
  const form = textOf(view);

  expect(view.blocks).toContainEqual(
    expect.objectContaining({ block_id: "reason", element: expect.objectContaining({ focus_on_load: true }) }),
  );
  expect(form).toContain("[staging]");
  expect(form).toContain("[viewer]");
  expect(form).toContain(`[${engineerArn}]`);
  expect(form).toContain("[1h30m]");
  expect(form).not.toContain("checkout hangs");
  engineer.close();
});

test("an extension is asked for again with the nearest quarter of an hour", async () => {
  const extended = { extends: "r-1", until: "2026-03-01T18:00:00.000Z", durationSeconds: 7140 };
  const { id } = await app.put(aPreviewedRequest({ id: "r-4", state: "denied", ...extended }));
  const engineer = app.person("U0ENGINEER");

  await engineer.click(await app.show(id), "Request again");

  expect(textOf(await app.slack.until(() => engineer.view()))).toContain("[2h]");
  engineer.close();
});

test("what is over on a cluster that is gone is not asked for on another one", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-3", state: "denied", cluster: "legacy" }));
  const engineer = app.person("U0ENGINEER");

  await engineer.click(await app.say("U0ENGINEER", `status ${id}`), "Request again");
  const answer = textOf(await app.slack.until(() => engineer.view()));

  expect(answer).toContain("legacy");
  expect(answer).not.toContain("[staging]");
  engineer.close();
});

describe("what no rule lets its requester have any more", () => {
  const rules = "policy: { rules: [{ name: others, who: [U0ONCALL] }, { name: rest, levels: [admin] }] }";
  const gone = ":warning: The policy no longer lets <@U0ENGINEER> request `viewer` on `staging`.";
  const over = aPreviewedRequest({ id: "r-4", state: "denied" });
  let own: SlackApp;
  const cardNow = () => textOf(own.slack.messages("C0ACCESS")[0] ?? expect.unreachable("no card"));
  const directNow = () => textOf(own.person("U0ENGINEER").directMessages()[0] ?? expect.unreachable("no message"));

  beforeEach(async () => {
    own = await aSlackApp();
    await own.put(over);
    await own.show(over.id);
    await own.follow(`${configText}${rules}`);
  });
  afterEach(() => own.stop());

  test("is not asked for as something else, and the clicked message loses the button", async () => {
    const engineer = own.person("U0ENGINEER");

    await engineer.click(own.slack.messages("C0ACCESS")[0] ?? expect.unreachable(), "Request again");
    const view = textOf(await own.slack.until(() => engineer.view()));
    engineer.close();
    await engineer.click(engineer.directMessages()[0] ?? expect.unreachable(), "Request again");

    expect(view).toContain("The policy no longer lets <@U0ENGINEER> request `viewer` on `staging`.");
    await expect.poll(cardNow).toContain(gone);
    await expect.poll(directNow).toContain(gone);
    expect(`${cardNow()}${directNow()}`).not.toContain("[Request again]");
    expect([cardNow(), directNow()].map((text) => text.includes("[Details]"))).toEqual([true, true]);
  });

  test("has no such button in App Home", async () => {
    const engineer = own.person("U0ENGINEER");

    await engineer.openHome();

    const home = textOf(await own.slack.until(() => engineer.home()));
    expect(home).toContain("r-4");
    expect(home).not.toContain("[Request again]");
  });

  test("still has it on a cluster that is only quiet now", async () => {
    await own.follow(configText.replace("    creator:", "    quiet: release week\n    creator:"));
    const engineer = own.person("U0ENGINEER");

    await engineer.click(own.slack.messages("C0ACCESS")[0] ?? expect.unreachable(), "Request again");
    const view = textOf(await own.slack.until(() => engineer.view()));

    expect(view).toContain("`staging` takes no requests now: release week.");
    expect(cardNow()).toContain("[Request again]");
  });
});

test("why asks for an ARN where none is linked", async () => {
  expect(textOf(await app.say("U0APPROVER", "why staging"))).toContain("Which identity?");
});
