import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { slackDirectory } from "../../../src/slack/app/directory.ts";
import { type HomeContext, publishHome } from "../../../src/slack/look/home.ts";
import { configOf, configText } from "../../builders/a-cluster.ts";
import { aDecision, aLeasedRequest, aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { at, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

let slack: SandboxSlack;
let ledger: Ledger;

beforeEach(async () => {
  slack = await startSandboxSlack({ rateLimits: false });
  ledger = memoryLedger();
});

afterEach(() => slack.stop());

function aContext(change: Partial<HomeContext> = {}): HomeContext {
  const config = configOf(configText);
  const now = () => at(minutes(5));
  const client = aClient(slack);
  return { ledger, config, keys, client, now, directory: slackDirectory(client, now), ...change };
}

const homeOf = (user: string) => textOf(slack.person(user).home() ?? expect.fail("there is no App Home"));

test("each sees their own: the requester what was asked, an approver what waits, and no one what is not theirs", async () => {
  await ledger.commit(aChange(aPreviewedRequest()));

  for (const user of ["U0ENGINEER", "U0APPROVER", "U0ONCALL"]) await publishHome(aContext(), user);

  expect(homeOf("U0ENGINEER")).toMatch(/\*Your requests\* \(1\)\n.*r-1/);
  expect(homeOf("U0ENGINEER")).not.toContain("Waiting for your decision");
  expect(homeOf("U0APPROVER")).toMatch(/\*Waiting for your decision\* \(1\)\n.*r-1[\s\S]*\[Review\]/);
  expect(homeOf("U0ONCALL")).not.toContain("r-1");
});

test("access for another person is theirs, and stays under what its asker asked for", async () => {
  await ledger.commit(aChange(aLeasedRequest({}, { requester: "U0ONCALL", askedBy: "U0ENGINEER", version: 1 })));

  for (const user of ["U0ENGINEER", "U0ONCALL"]) await publishHome(aContext(), user);

  expect(homeOf("U0ENGINEER")).toMatch(
    /\*Your access\*: none\n.*\*Your requests\* \(1\)\n.*r-1.*\[End their access\]/s,
  );
  expect(homeOf("U0ONCALL")).toMatch(/\*Your access\* \(1\)\n.*r-1.*\[I'm done\].*\*Your requests\*: none/s);
});

test("a request that one of two approved waits for the other alone", async () => {
  await ledger.commit(aChange(aPreviewedRequest({ approvalsWanted: 2, approvals: [aDecision({ by: "U0APPROVER" })] })));

  for (const user of ["U0APPROVER", "U0APPROVER2"]) await publishHome(aContext(), user);

  expect(homeOf("U0APPROVER")).toContain("*Waiting for your decision*: none");
  expect(homeOf("U0APPROVER2")).toContain("*Waiting for your decision* (1)");
});

test("a person whose account was deactivated is shown nothing of what is theirs any more", async () => {
  await ledger.commit(aChange(aPreviewedRequest()));
  slack.deactivate("U0APPROVER");

  await publishHome(aContext(), "U0APPROVER");

  expect(homeOf("U0APPROVER")).toContain("the Slack account is deactivated");
  expect(homeOf("U0APPROVER")).not.toMatch(/r-1|staging/);
});

test("a Home stays as it is while Slack does not say whether its account is active", async () => {
  await publishHome(aContext(), "U0APPROVER");
  await ledger.commit(aChange(aPreviewedRequest()));
  const silent = slackDirectory(aClient(slack), () => at(minutes(6)));
  const directory = { ...silent, accountOf: () => Promise.reject(new Error("Slack is silent")) };

  await expect(publishHome(aContext({ directory }), "U0APPROVER")).rejects.toThrow("Slack is silent");

  expect(homeOf("U0APPROVER")).not.toContain("r-1");
});

test("of two that publish at once the one that has read the older state does not win", async () => {
  const request = aPreviewedRequest();
  await ledger.commit(aChange(request));
  await publishHome(aContext(), "U0ENGINEER");
  let isFirst = true;
  const slow: Ledger = {
    ...ledger,
    list: async (...of) => {
      const page = await ledger.list(...of);
      if (!isFirst) return page;
      isFirst = false;
      await ledger.commit(aChange(revise(request, { state: "expired" })));
      await publishHome(aContext(), "U0ENGINEER");
      return page;
    },
  };

  await publishHome(aContext({ ledger: slow }), "U0ENGINEER");

  expect(homeOf("U0ENGINEER")).toContain("without a decision");
});

test("a hash that no one remembered, because a process died, holds nothing up", async () => {
  await publishHome(aContext(), "U0ENGINEER");
  await aClient(slack).views.publish({ user_id: "U0ENGINEER", view: { type: "home", blocks: [] } });
  await ledger.commit(aChange(aPreviewedRequest()));

  await publishHome(aContext(), "U0ENGINEER");

  expect(homeOf("U0ENGINEER")).toContain("r-1");
  expect((await ledger.homesOf(["U0ENGINEER"])).get("U0ENGINEER")).toBe(slack.person("U0ENGINEER").home()?.hash);
});

test("where Slack asks to wait, it fails at once, to be tried again", async () => {
  slack.faults.plan("slack.views.publish", { type: "answer", status: 503 });

  await expect(publishHome(aContext(), "U0ENGINEER")).rejects.toMatchObject({
    code: "slack-unreachable",
    retryable: true,
    message: expect.not.stringContaining("U0ENGINEER"),
  });
});
