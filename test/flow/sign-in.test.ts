import { afterEach, beforeEach, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;

beforeEach(async () => {
  flow = await startFlow();
});
afterEach(() => flow.stop());

test("the next worker signs in as a role that failed before, and everyone learns how it went", async () => {
  const { slack, faults } = flow.sandbox;
  await slack
    .person("U0ENGINEER")
    .command(`/eks-access request ${clusterName} ${arns.developers} viewer for 10m look`, channel);
  const asked = await flow.asked("look");
  // The run and the sign-in job become the creator first.
  faults.plan("sts.AssumeRole", { type: "cut-before" }, { nth: 3, times: 1_000 });

  await slack.person("U0APPROVER").click(asked, "approve");
  const told = textOf(await flow.told("`) is active until"));
  await flow.worker().kill();
  faults.clear();
  await flow.startWorker();
  const proved = textOf(await flow.told("✓ *signed in*"));

  expect(told).toContain("*signed in* not tested: the worker is trying it");
  expect(told).toMatch(/:warning: Signing in: Can't reach AWS.*Tried (once|\d+ times); next try/);
  expect(proved).not.toContain(":warning:");
  const thread = () => slack.replies(asked).map(textOf).join("\n");
  await flow.until(() => thread().includes("The proof is complete") || undefined);
  expect(thread()).toContain("retrying the sign-in: Can't reach AWS");
  expect((await auditOf(flow.redisUrl)).types.slice(-2)).toEqual(["lease.sign-in-delayed", "lease.signed-in"]);
});
