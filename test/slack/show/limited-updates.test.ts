import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { aLeasedRequest, aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});

afterEach(() => app.stop());

/** Slack takes no more updates, and says for how long. */
function limit() {
  const headers = { "retry-after": "20" };
  const answer = { type: "answer", status: 429, headers } as const;
  return app.slack.faults.plan("slack.chat.update", answer, { times: Number.POSITIVE_INFINITY });
}

const inChannel = () => app.slack.messages("C0ACCESS").map(textOf);
const toEngineer = () => textOf(app.person("U0ENGINEER").directMessages()[0] ?? expect.fail("no direct message"));
/** How long Slack wants the messenger to wait, in seconds; null: it shows everything. */
const shown = (id = "r-1") =>
  app.show(id).then(
    () => null,
    (error: Error) => (error.cause as { retryAfter?: number } | undefined)?.retryAfter ?? expect.fail(String(error)),
  );

async function shownCard(request: AccessRequest = aPreviewedRequest()) {
  await app.put(request);
  return app.show(request.id);
}

async function changed(request: AccessRequest, event: "lease.active" | "request.expired" = "request.expired") {
  await app.ledger.commit(aChange(request, event));
}

describe("while Slack takes no updates", () => {
  test("a clicked card in the channel shows the decision without the old buttons, and the rest waits as long as Slack asks", async () => {
    const card = await shownCard();
    const limited = limit();

    await app.person("U0APPROVER").click(card, "approve");
    const wait = await shown();

    expect(inChannel()).toEqual([expect.stringContaining("Applying")]);
    expect(inChannel().join()).not.toMatch(/\[Approve\]|\[Deny\]/);
    expect(wait).toBe(20);
    expect(toEngineer()).toContain("[Nudge]");
    limited.cancel();
    app.pass(20);
    expect([await shown(), toEngineer()]).toEqual([null, expect.stringContaining("Applying it now.")]);
  });

  test("a denial through the form renews the card on which it was opened", async () => {
    const card = await shownCard();
    limit();

    await app.person("U0APPROVER").click(card, "deny");
    await app.slack.until(() => app.person("U0APPROVER").view());
    await app.person("U0APPROVER").submit({ why: "use staging" });
    await shown();

    expect(inChannel()).toEqual([expect.stringContaining("Denied")]);
    expect(inChannel().join()).not.toContain("[Deny]");
  });

  test("a clicked direct message shows the end that was asked for, and the card in the channel waits", async () => {
    await shownCard(aLeasedRequest({}, { version: 1 }));
    limit();
    const [message = expect.fail("no direct message")] = app.person("U0ENGINEER").directMessages();

    await app.person("U0ENGINEER").click(message, "I'm done");
    const wait = await shown();

    expect(toEngineer()).not.toMatch(/\[I'm done\]|\[Extend\]/);
    expect([wait, inChannel()]).toEqual([20, [expect.stringContaining("[Revoke]")]]);
  });

  test("a card that nobody clicked waits", async () => {
    await shownCard();
    limit();
    await changed(aPreviewedRequest({ state: "expired", version: 2 }));

    expect([await shown(), inChannel()]).toEqual([20, [expect.stringContaining("[Approve]")]]);
  });

  test("the notice that access is active comes at once and once, and its message follows when Slack takes updates again", async () => {
    await shownCard(aLeasedRequest({ state: "scheduled" }, { version: 1 }));
    const notices = () => app.person("U0ENGINEER").directMessages().slice(1).map(textOf);
    const limited = limit();
    await changed(aLeasedRequest({}, { version: 2 }), "lease.active");

    const waits = [await shown(), await shown()];

    expect([waits, toEngineer()]).toEqual([[20, 20], expect.stringContaining("Applying it now.")]);
    const notice = [expect.stringContaining("is active")];
    expect(notices()).toEqual(notice);
    limited.cancel();
    app.pass(20);
    expect([await shown(), toEngineer()]).toEqual([null, expect.stringContaining("is active")]);
    expect(notices()).toEqual(notice);
  });

  test("Slack is not asked again before that time", async () => {
    await shownCard();
    limit();
    await changed(aPreviewedRequest({ state: "expired", version: 2 }));
    await shown();
    const asked = app.slack.faults.calls("slack.chat.update");
    app.pass(15);

    expect([await shown(), app.slack.faults.calls("slack.chat.update") - asked]).toEqual([5, 0]);
  });
});

test("where Slack takes one update at a time, each try shows what is still missing", async () => {
  const card = await shownCard();
  const secondFails = () => {
    const answer = { type: "answer", status: 429, headers: { "retry-after": "1" } } as const;
    app.slack.faults.plan("slack.chat.update", answer, { nth: 2 });
  };

  secondFails();
  await app.person("U0APPROVER").click(card, "approve");
  const first = await shown();
  app.pass(1);
  app.slack.faults.clear();
  secondFails();

  expect([first, await shown()]).toEqual([1, null]);
  expect([inChannel().join(), toEngineer()]).toEqual([
    expect.stringContaining("Applying"),
    expect.stringContaining("Applying it now."),
  ]);
});

describe("the address of a click", () => {
  test("writes each state once, five in all; a later state waits for Slack, and nothing older is written over it", async () => {
    const card = await shownCard();
    const limited = limit();
    await app.person("U0APPROVER").click(card, "Details");
    let request = aPreviewedRequest({ version: 1 });
    const seen: string[] = [];
    for (const sent of [1, 2, 3, 4, 5, 6]) {
      request = revise(request, { reason: `the deployment hangs, call ${sent}` });
      await changed(request);
      for (const _ of [1, 2]) await shown();
      seen.push(inChannel().join());
    }

    expect(new Set(seen.slice(0, 5)).size).toBe(5);
    expect(seen[5]).toBe(seen[4]);
    expect(app.slack.faults.calls("slack.response_url")).toBe(5);
    limited.cancel();
    app.pass(20);
    expect([await shown(), inChannel().join() === seen[4]]).toEqual([null, false]);
  });

  test("serves the card on which it was given alone: five people click five cards", async () => {
    const ids = ["r-1", "r-2", "r-3", "r-4", "r-5"];
    const cards = [];
    for (const id of ids) cards.push(await shownCard(aPreviewedRequest({ id })));
    limit();

    for (const card of cards) await app.person("U0APPROVER").click(card, "approve");
    for (const id of ids) await shown(id);

    expect(inChannel()).toHaveLength(5);
    expect(inChannel().join()).not.toContain("[Approve]");
  });

  test("that is half an hour old is not used any more", async () => {
    const card = await shownCard();
    await app.person("U0APPROVER").click(card, "Details");
    await app.slack.until(() => app.person("U0APPROVER").view());
    app.pass(30 * 60);
    limit();
    await changed(aPreviewedRequest({ state: "expired", version: 2 }));

    expect([await shown(), inChannel()]).toEqual([20, [expect.stringContaining("[Approve]")]]);
    expect(app.slack.faults.calls("slack.response_url")).toBe(0);
  });

  test("that Slack refuses or does not answer is given up, and the card waits", async () => {
    const card = await shownCard();
    await app.person("U0APPROVER").click(card, "Details");
    limit();
    await changed(aPreviewedRequest({ state: "expired", version: 2 }));
    app.slack.faults.plan("slack.response_url", { type: "answer", status: 404, body: "expired_url" });

    const waits = [await shown(), await shown()];

    expect([waits, app.slack.faults.calls("slack.response_url")]).toEqual([[20, 20], 1]);
    expect(inChannel()).toEqual([expect.stringContaining("[Approve]")]);
  });
});

test("a clicked card shows the decision although the bot is no longer in its channel", async () => {
  const card = await shownCard();
  app.slack.addChannel({ id: "C0ACCESS", name: "cluster-access", members: ["U0ENGINEER", "U0APPROVER"] });

  await app.person("U0APPROVER").click(card, "approve");
  await app.show("r-1");

  expect(inChannel()).toEqual([expect.stringContaining("Applying")]);
  expect(inChannel().join()).not.toMatch(/\[Approve\]|\[Deny\]/);
  expect(textOf(app.person("U0ENGINEER").directMessages().at(-1) ?? expect.fail("nothing told"))).toContain(
    "no longer updates",
  );
});
