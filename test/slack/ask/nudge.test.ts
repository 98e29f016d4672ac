import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { planReminders } from "../../../src/access/lists.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});

afterEach(() => app.stop());

const reminders = planReminders(at(0), at(24 * 3600 * 1000).toISOString(), [900]);

/** The direct message to the engineer about a request that waits. */
async function waiting(id: string) {
  await app.put(aPreviewedRequest({ id, reminders }));
  await app.show(id);
  return app.slack.until(() => app.person("U0ENGINEER").directMessages().at(-1));
}

test("the requester nudges the approvers once in ten minutes, and the thread mentions them", async () => {
  const told = await waiting("r-1");
  const nudge = () => app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  const [first, second] = [textOf(await nudge()), textOf(await nudge())];
  app.pass(601);
  const third = textOf(await nudge());

  expect([first, third]).toEqual([expect.stringContaining("Nudged"), expect.stringContaining("Nudged")]);
  expect(second).toContain("Nudge works again 2026-03-01 09:13:00");
  expect((await app.ledger.get("r-1"))?.reminders?.sent).toBe(2);
  const events = (await app.ledger.eventsOf("r-1", 10)).map(({ event }) => event);
  expect(events.filter(({ type }) => type === "request.reminded")).toMatchObject([
    { actor: "U0ENGINEER" },
    { actor: "U0ENGINEER" },
  ]);
});

test("a nudge that was not recorded takes no turn: the next click nudges", async () => {
  await app.stop();
  let fails = true;
  app = await aSlackApp({
    ledger: (ledger) => ({
      ...ledger,
      commit: async (change) => {
        if (!fails || change.event?.type !== "request.reminded") return ledger.commit(change);
        fails = false;
        throw new AccessError("ledger-unreachable", "Redis did not answer");
      },
    }),
  });
  const told = await waiting("r-1");
  const nudge = () => app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  const [failed, again] = [textOf(await nudge()), textOf(await nudge())];

  expect(failed).toContain("I can't reach my records now");
  expect(again).toContain("Nudged the approvers");
});

test("of two nudges at the same moment one is sent", async () => {
  const told = await waiting("r-1");
  const nudge = () => app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  await Promise.all([nudge(), nudge()]);

  expect((await app.ledger.get("r-1"))?.reminders?.sent).toBe(1);
});

test("another person nudges no one", async () => {
  await waiting("r-1");
  const message = await app.slack.until(() => app.person("U0ENGINEER").directMessages().at(-1));
  const forged = { ...message, channel: message.channel };

  await expect(app.person("U0ONCALL").click(forged, "nudge")).rejects.toThrow("does not see");
  expect((await app.ledger.get("r-1"))?.reminders?.sent).toBe(0);
});

test("there is no one to nudge where the policy lets no one approve it", async () => {
  const told = await waiting("r-1");
  await app.follow(configText.replace("levels: [viewer, admin]", "levels: [admin]"));

  const answer = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  expect(textOf(answer)).toContain("No one to nudge. The policy changed: no one can approve it.");
  expect((await app.ledger.get("r-1"))?.reminders?.sent).toBe(0);
});

test("there is no one to nudge where each approver has left, and the answer says whom to ask", async () => {
  const told = await waiting("r-1");
  for (const user of ["U0APPROVER", "U0APPROVER2"]) app.slack.deactivate(user);
  app.pass(31);

  const answer = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  expect(textOf(answer)).toContain("No one to nudge. Ask an operator to add approvers.");
  expect((await app.ledger.get("r-1"))?.reminders?.sent).toBe(0);
});

test("there is no one to nudge once it is decided", async () => {
  const told = await waiting("r-1");
  await app.person("U0APPROVER").command("/eks-access deny r-1 not now", "C0ACCESS");

  const answer = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(told, "nudge"));

  expect(textOf(answer)).toContain("No one to nudge. Denied by <@U0APPROVER>");
});
