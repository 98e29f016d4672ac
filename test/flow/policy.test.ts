import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const policy = `
policy:
  rules:
    - name: ours look
      who: ["@example.com"]
      levels: [viewer]
      approvals: 2
      approvers: [S0PLATFORM]
    - name: nobody else
      who: [S0NOBODY]
  breakGlass:
    - { who: [S0ONCALL], level: admin, for: 10m }
`;

let flow: Flow;

beforeEach(async () => {
  const prepare = ({ slack }: Sandbox) => {
    slack.addUsergroup("S0PLATFORM", ["U0APPROVER", "U0APPROVER2"]);
    slack.addUsergroup("S0ONCALL", ["U0ONCALL"]);
    slack.addUsergroup("S0NOBODY", []);
  };
  flow = await startFlow({ configuration: `${configuration}${policy}`, prepare });
});
afterEach(() => flow.stop());

test("two of a user group approve, another person may not, and an emergency is taken and reviewed", async () => {
  const { person } = flow.sandbox.slack;
  const click = async (user: string, action: string, text: string) =>
    person(user).click(await flow.message(text), action);

  await person("U0ENGINEER").command(
    `/eks-access request ${clusterName} ${arns.engineer} admin for 10m no rule is for me`,
    channel,
  );
  const refused = textOf(await flow.answer("U0ENGINEER", "No request made"));
  await person("U0ENGINEER").command(
    `/eks-access request ${clusterName} ${arns.engineer} viewer for 10m checkout hangs`,
    channel,
  );
  await flow.asked("checkout hangs");
  await click("U0ONCALL", "approve", "[Approve]");
  const stranger = textOf(await flow.answer("U0ONCALL", "Only approvers of"));
  await click("U0APPROVER", "approve", "[Approve]");
  const first = textOf(await flow.answer("U0APPROVER", "Approved. Needs"));
  const waiting = textOf(await flow.message("1 of 2 approvals"));
  const before = await flow.sandbox.getPods("U0ENGINEER");
  await click("U0APPROVER2", "approve", "1 of 2 approvals");
  await flow.message("*Active*");
  const after = await flow.sandbox.getPods("U0ENGINEER");

  expect(refused).toContain("The policy does not let you ask for admin on staging.");
  expect(stranger).toContain("Ask <!subteam^S0PLATFORM>.");
  expect(first).toContain("Needs 1 more approval");
  expect(waiting).toContain("[Approve]");
  expect([before.ok, after.ok]).toEqual([false, true]);

  await person("U0ONCALL").command(`/eks-access break-glass ${clusterName} ${arns.onCall} checkout is down`, channel);
  await flow.answer("U0ONCALL", "You took emergency `admin`");
  await flow.until(() =>
    flow.sandbox.slack
      .messages(channel)
      .map(textOf)
      .find((text) => text.includes("took emergency") && text.includes("*Active*")),
  );
  const emergency = await flow.sandbox.getPods("U0ONCALL");
  await click("U0APPROVER", "reviewed", "[Mark reviewed]");
  await flow.until(() => person("U0APPROVER").view());
  await person("U0APPROVER").submit({ "What you found": "restarted two pods" });
  const form = person("U0APPROVER").view();
  const card = await flow.message("reviewed by <@U0APPROVER>");
  const noted = await flow.until(() =>
    flow.sandbox.slack
      .replies(card)
      .map(textOf)
      .find((text) => text.includes("pods")),
  );
  const reviewed = textOf(card);
  const audit = await auditOf(flow.redisUrl);

  expect(emergency.ok).toBe(true);
  // The channel shows it: there is no answer to close.
  expect(form).toBeUndefined();
  expect(reviewed).not.toContain("[Mark reviewed]");
  expect(noted).toMatch(/Reviewed by <@U0APPROVER> .*: restarted two pods$/);
  expect(audit.verdict.type).toBe("whole");
  expect(audit.types.filter((type) => !/writing|previewed/.test(type))).toEqual([
    "request.refused",
    "request.created",
    "decision.refused",
    "approval.given",
    "request.approved",
    "lease.active",
    "emergency.taken",
    "lease.active",
    "emergency.reviewed",
  ]);
});
