import { afterAll, beforeAll, expect, test } from "vitest";
import { getPods } from "../../sandbox/sandbox.ts";
import { account, channel, clusterName, configuration, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const permissionSet = "AWSReservedSSO_Developer_0123456789abcdef";
const names = { alice: "alice@example.com", carol: "carol@example.com" } as const;
const aliceArn = `arn:aws:sts::${account}:assumed-role/${permissionSet}/${names.alice}`;
const levels = configuration.replace("groups: [eks-access:viewers]", "bind: [{ clusterRole: view, in: choose }]");
const [unauthorized, forbidden] = [
  { ok: false, output: "error: You must be logged in to the server (Unauthorized)" },
  { ok: false, output: "Error from server (Forbidden): pods is forbidden" },
];
const reason = "look at the failing rollout";

let flow: Flow;
let podsOf: (name: string) => ReturnType<typeof getPods>;

beforeAll(async () => {
  flow = await startFlow({ configuration: levels });
  const { aws, cluster } = flow.sandbox;
  const { arn } = aws.account.addRole({ name: permissionSet });
  podsOf = (name) => getPods(cluster, region, aws.account.sessionFor(arn, name));
});
afterAll(() => flow.stop());

test("where no one with a permission set signs in Alice's lease lets her in, Carol can do nothing, and then neither signs in", async () => {
  const { slack, cluster } = flow.sandbox;
  const alice = slack.person("U0ENGINEER");
  const before = [await podsOf(names.alice), await podsOf(names.carol)];

  await alice.command(`/eks-access link ${aliceArn}`, channel);
  await flow.answer("U0ENGINEER", "You are linked to");
  await alice.command(`/eks-access request ${clusterName} viewer in default for 1h ${reason}`, channel);
  const asked = await flow.asked(reason);
  const approver = slack.person("U0APPROVER");
  await approver.click(asked, "details");
  const details = textOf(await flow.until(() => approver.view()));
  await approver.submit();
  await flow.active();
  const told = await flow.told("`) is active until");
  const during = [await podsOf(names.alice), await podsOf(names.carol)];
  await alice.click(await flow.told("[I'm done]"), "done");
  await flow.message("*Ended*");
  const after = [await podsOf(names.alice), await podsOf(names.carol)];

  expect(before).toEqual([unauthorized, unauthorized]);
  expect(during).toMatchObject([{ ok: true }, forbidden]);
  expect(after).toEqual([unauthorized, unauthorized]);
  expect(textOf(asked)).toContain("new entry");
  expect(details).toContain(`username: "eks-access:${account}:${permissionSet}:{{SessionNameRaw}}"`);
  expect(textOf(told)).toContain(
    "✓ *authorized*: can list pods in default, not in every namespace, not as every session of the role",
  );
  expect(cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  expect(cluster.awsAuth()?.metadata.annotations ?? {}).toEqual({});
});

test("the audit log has each step once, in a whole chain", async () => {
  const { verdict, types } = await auditOf(flow.redisUrl);

  expect(verdict.type).toBe("whole");
  expect(types.filter((type) => type.startsWith("lease."))).toEqual([
    "lease.writing",
    "lease.active",
    "lease.ending",
    "lease.ended",
  ]);
});
