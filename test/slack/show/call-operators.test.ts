import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { anApprovedRequest, aRequest } from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { at } from "../../builders/times.ts";
import { aStage, type Stage } from "../a-stage.ts";

const trouble = aTrouble({
  code: "access-entry-denied",
  message: "AWS refused eks:CreateAccessEntry (AccessDeniedException). Give the role its statements.",
});
let stage: Stage;

beforeEach(async () => {
  stage = await aStage();
});
afterEach(() => stage.stop());

const inChannel = () => stage.slack.messages("C0ACCESS").map(textOf);
const direct = () => stage.person("U0ENGINEER").directMessages().map(textOf).join("\n");
const show = (id: string) => stage.show(id).catch(() => undefined);

test("what an operator must repair is posted once, however many requests wait; the engineer gets one plain line", async () => {
  for (const id of ["r-1", "r-2"]) {
    await stage.put({ ...aRequest({ id }), trouble });
    await show(id);
  }

  expect(inChannel()).toEqual([
    expect.stringMatching(/Requests for `staging` wait for a repair\..*eks:CreateAccessEntry/),
  ]);
  expect(direct()).toMatch(
    /`viewer` on `staging` \(`r-1`\) waits: I can't work on `staging` now\. I keep trying until/,
  );
  expect(direct()).not.toContain("CreateAccessEntry");
});

test("while the worker can't get in, its own message says so instead", async () => {
  const closed = { ...trouble, since: at(0).toISOString(), configuration: "one", overAt: null };
  await stage.ledger.setClusterTrouble("staging", closed);
  await stage.put({ ...anApprovedRequest(), trouble });

  await show("r-1");

  expect(inChannel().join()).not.toContain("wait for a repair");
});

test("a failure of the request itself is the engineer's to know", async () => {
  const absent = aTrouble({ code: "cluster-conflict", message: "Another writer keeps changing aws-auth." });
  await stage.put({ ...aRequest(), trouble: absent });

  await show("r-1");

  expect(direct()).toContain("Another writer keeps changing aws-auth");
  expect(inChannel()).toEqual([]);
});
