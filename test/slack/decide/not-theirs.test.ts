import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { deniedRequest } from "../../../src/access/request.ts";
import { denyButton, nudgeButton } from "../../../src/slack/show/buttons.ts";
import { messageOf } from "../../../src/slack/show/message.ts";
import { actions } from "../../../src/slack/show/mrkdwn.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { at, hours } from "../../builders/times.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
let count = 0;

beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

/** In this configuration they approve nothing, and are not on call. */
const stranger = "U0ONCALL";
const nextId = () => `r-others${++count}`;
const reminders = { sent: 0, nextAt: at(hours(20)).toISOString() };
const say = async (user: string, line: string) => textOf(await app.say(user, line));

describe("who may not see a request", () => {
  const secret = "the vault is open";
  const [approval] = anApprovedRequest().approvals;

  test.each(["approve", "deny", "revoke", "cancel"])("learns nothing of how it ended with a typed %s", async (word) => {
    const pending = aPreviewedRequest({ id: nextId() });
    const denial = { ...(approval ?? expect.unreachable()), verdict: "denied" as const, why: secret };
    await app.put(deniedRequest(pending, denial));

    const answers = await Promise.all(
      [stranger, "U0APPROVER"].map((user) => say(user, `${word} ${pending.id} please`)),
    );

    expect(answers[0]).not.toContain(secret);
    if (word === "approve") expect(answers).toEqual(["Already handled.", expect.stringContaining(secret)]);
  });

  test("learns nothing of a revoked lease: neither why, nor what its principal still has", async () => {
    const end = { cause: "revoked", by: "U0APPROVER", at: at(hours(1)).toISOString(), why: secret } as const;
    const { id } = await app.put(aLeasedRequest({ end }, { id: nextId() }));

    expect(await say(stranger, `revoke ${id}`)).toBe(
      "Only <@U0ENGINEER>, <@U0APPROVER> or <@U0APPROVER2> can do this.",
    );
    expect(await say(stranger, `approve ${id}`)).toBe("Already handled.");
  });

  test("learns nothing of an emergency's review with a typed reviewed", async () => {
    const { id } = await app.put(anEmergency({ id: nextId() }));
    const before = await say(stranger, `reviewed ${id}`);
    await say("U0APPROVER", `reviewed ${id} the vault is open`);

    expect(await say(stranger, `reviewed ${id}`)).toBe(before);
    expect(before).toMatch(/^Only approvers of `staging` can do this\./);
    expect(await say("U0APPROVER2", `reviewed ${id}`)).toMatch(/^<@U0APPROVER> reviewed it/);
  });

  test("reads who can press Request again", async () => {
    const { id } = await app.put(aPreviewedRequest({ id: nextId(), state: "cancelled" }));

    await app.person(stranger).click(await app.show(id), "Request again");
    const view = await app.slack.until(() => app.person(stranger).view());

    expect(textOf(view)).toBe(
      `Request again\nOnly <@U0ENGINEER> can do this. For your own access: \`/eks-access request\`.`,
    );
  });
});

test("no card says that one of two people cancelled who may not have", async () => {
  const own = { state: "cancelled", requester: "U0ONCALL", askedBy: "U0ENGINEER" } as const;
  const { id } = await app.put(aPreviewedRequest({ id: nextId(), ...own }));

  expect(textOf(await app.show(id))).toMatch(/^:no_entry: Cancelled\n/);
});

test("one person's quick commands leave Slack's forms to the others", async () => {
  app.pass(61);
  const quick = app.person("U0APPROVER2");
  for (let command = 0; command < 30; command += 1) {
    await quick.command("/eks-access request", "C0ACCESS");
    await app.slack.until(() => quick.view());
    quick.close();
  }

  expect(await say("U0APPROVER2", "request")).toBe(":hourglass: Too many forms. Try again in a minute.");
  expect(await say("U0APPROVER2", "help")).toContain("Ask for access");
});

test("one person's quick clicks leave Slack's forms to the others", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: nextId() }));
  const card = await app.show(id);
  const [quick, other] = [app.person("U0APPROVER2"), app.person("U0APPROVER")];
  app.pass(61);
  for (let click = 0; click < 30; click += 1) {
    await quick.click(card, "details");
    await app.slack.until(() => quick.view());
    quick.close();
  }

  const refused = textOf(await app.answered("U0APPROVER2", () => quick.click(card, "details")));
  await other.click(card, "details");
  await app.slack.until(() => other.view());
  app.pass(61);
  await quick.click(card, "details");

  expect(refused).toBe(":hourglass: Too many forms. Try again in a minute.");
  expect(await app.slack.until(() => quick.view())).toMatchObject({ title: "Request" });
  for (const each of [quick, other]) each.close();
});

test("one person's quick clicks in App Home leave Slack's forms and Homes to the others", async () => {
  const { id } = await app.put(aLeasedRequest({}, { id: nextId() }));
  const quick = app.person("U0ENGINEER");
  app.pass(61);
  const published: (string | undefined)[] = [];
  await quick.openHome();
  const home = await app.slack.until(() => {
    const shown = quick.home();
    return shown && textOf(shown).includes(id) ? shown : undefined;
  });
  for (let click = 0; click < 29; click += 1) {
    await quick.click(home, "details");
    await app.slack.until(() => quick.view());
    quick.close();
  }

  const before = quick.directMessages().length;
  await quick.click(home, "details");
  const refused = await app.slack.until(() => quick.directMessages()[before] ?? quick.view());
  for (let opening = 0; opening < 5; opening += 1) {
    await quick.openHome();
    published.push(quick.home()?.hash);
  }
  await app.say("U0ENGINEER", "help");

  expect(textOf(refused)).toBe(":hourglass: Too many forms. Try again in a minute.");
  expect(quick.view()).toBeUndefined();
  expect(new Set([home.hash, ...published, quick.home()?.hash]).size).toBe(1);
});

test("when Slack limits forms, the answer says so, and when to try again", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: nextId() }));
  const card = await app.show(id);
  const limited = { type: "answer", status: 429, headers: { "retry-after": "30" } } as const;
  app.slack.faults.plan("slack.views.open", limited, { times: 1 });

  const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(card, "details"));

  expect(textOf(answer)).toBe(":warning: Slack limits calls for the form now. Try again in a minute.");
});

test.each(["`r-COPIED`", "R-copied.", "r-copied please"])("a typed id is read as people copy it: %s", async (id) => {
  if (!(await app.ledger.get("r-copied"))) await app.put(aPreviewedRequest({ id: "r-copied" }));

  expect(await say("U0ENGINEER", `cancel ${id}`)).toMatch(/^(Cancelled `r-copied`|Nothing to cancel)/);
});

test("cancel of what is active names the command that ends it", async () => {
  const { id } = await app.put(aLeasedRequest({}, { id: nextId() }));

  expect(await say("U0ENGINEER", `cancel ${id}`)).toMatch(
    new RegExp(`^Nothing to cancel\\. .+ Revoke it: \`/eks-access revoke ${id}\`\\.$`),
  );
});

describe("when the cluster is no longer in eks-access.yml", () => {
  test("cancel of what is active names no command that can't end it there", async () => {
    const { id } = await app.put(aLeasedRequest({}, { id: nextId(), cluster: "gone" }));

    expect(await say("U0ENGINEER", `cancel ${id}`)).toMatch(/^Nothing to cancel\. [^/]+$/);
  });

  const waiting = () => app.put(aPreviewedRequest({ id: nextId(), cluster: "gone", reminders }));

  test("its requester can still cancel", async () => {
    const { id } = await waiting();

    expect(await say("U0ENGINEER", `cancel ${id}`)).toBe(`Cancelled \`${id}\`.`);
  });

  test("Nudge does not say that the thread mentions anybody", async () => {
    const { id } = await waiting();
    const { text, blocks } = messageOf([actions("dm", [nudgeButton(aPreviewedRequest({ id }))])]);
    await aClient(app.slack).chat.postMessage({ channel: "U0ENGINEER", text: text || "waits", blocks });
    const own = await app.slack.until(() => app.person("U0ENGINEER").directMessages().at(-1));

    const answer = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(own, "nudge"));

    expect(textOf(answer)).toContain("gone is not in eks-access.yml.");
    expect((await app.ledger.get(id))?.reminders?.sent).toBe(0);
  });

  test("Deny opens no form", async () => {
    const { id } = await waiting();
    const { blocks } = messageOf([actions("card", [denyButton(aPreviewedRequest({ id }))])]);
    await aClient(app.slack).chat.postMessage({ channel: "C0ACCESS", text: "asks", blocks });
    const card = await app.slack.until(() => app.slack.messages("C0ACCESS").at(-1));

    await app.person("U0APPROVER").click(card, "deny");
    const view = await app.slack.until(() => app.person("U0APPROVER").view());

    expect(textOf(view)).toContain("gone is not in eks-access.yml.");
  });
});
