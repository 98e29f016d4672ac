import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { planReminders } from "../../../src/access/request/reminder.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aStage, type Stage } from "../a-stage.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await aStage();
});

afterEach(() => stage.stop());

const reminders = planReminders(at(0), at(24 * 3600 * 1000).toISOString(), [900]);

/** The direct message to the engineer about a request that waits. */
async function waiting(id: string) {
  await stage.put(aPreviewedRequest({ id, reminders }));
  await stage.show(id);
  return stage.slack.until(() => stage.person("U0ENGINEER").directMessages().at(-1));
}

test("the requester nudges the approvers once in ten minutes, and the thread mentions them", async () => {
  const told = await waiting("r-1");
  const nudge = () => stage.answered("U0ENGINEER", () => stage.person("U0ENGINEER").click(told, "nudge"));

  const [first, second] = [textOf(await nudge()), textOf(await nudge())];
  stage.pass(601);
  const third = textOf(await nudge());

  expect([first, third]).toEqual([expect.stringContaining("Nudged"), expect.stringContaining("Nudged")]);
  expect(second).toContain("Nudge works again 2026-03-01 09:13:00");
  expect((await stage.ledger.get("r-1"))?.reminders?.sent).toBe(2);
  const events = (await stage.ledger.eventsOf("r-1", 10)).map(({ event }) => event);
  expect(events.filter(({ type }) => type === "request.reminded")).toMatchObject([
    { actor: "U0ENGINEER" },
    { actor: "U0ENGINEER" },
  ]);
});

test("another person nudges no one", async () => {
  await waiting("r-1");
  const message = await stage.slack.until(() => stage.person("U0ENGINEER").directMessages().at(-1));
  const forged = { ...message, channel: message.channel };

  await expect(stage.person("U0ONCALL").click(forged, "nudge")).rejects.toThrow("does not see");
  expect((await stage.ledger.get("r-1"))?.reminders?.sent).toBe(0);
});

test("there is no one to nudge once it is decided", async () => {
  const told = await waiting("r-1");
  await stage.person("U0APPROVER").command("/eks-access deny r-1 not now", "C0ACCESS");

  const answer = await stage.answered("U0ENGINEER", () => stage.person("U0ENGINEER").click(told, "nudge"));

  expect(textOf(answer)).toContain("No one to nudge. Denied by <@U0APPROVER>");
});
