import { afterAll, beforeAll, expect, test } from "vitest";
import { arns, channel, clusterArn } from "../../src/sandbox/scene.ts";
import { textOf } from "../../src/sandbox/slack/text-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;
beforeAll(async () => {
  flow = await startFlow({ everyMode: true });
});
afterAll(() => flow.stop());

const entryOf = (cluster: string) =>
  flow.sandbox.aws.accessOf(clusterArn(cluster))?.entries.find(({ principalArn }) => principalArn === arns.engineer);

test.each(["analytics", "checkout"])("on %s access comes by an access entry, and goes with it", async (cluster) => {
  const person = (id: string) => flow.sandbox.slack.person(id);
  const reason = `look into ${cluster}`;
  const find = (text: string) =>
    flow.until(
      () =>
        flow.sandbox.slack
          .messages(channel)
          .findLast((message) => textOf(message).includes(reason) && textOf(message).includes(text)),
      30_000,
    );

  await person("U0ENGINEER").command(
    `/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`,
    channel,
  );
  await person("U0APPROVER").click(await find("[Approve]"), "approve");
  const active = textOf(await find("*Active*"));
  await expect.poll(async () => (await flow.sandbox.getPods("U0ENGINEER", cluster)).ok, { timeout: 10_000 }).toBe(true);
  expect(entryOf(cluster)).toMatchObject({ groups: ["eks-access:viewers"] });

  const id = /r-[a-z0-9]{8}/.exec(active)?.[0];
  await person("U0ENGINEER").command(`/eks-access revoke ${id} done`, channel);
  expect(textOf(await find("*Ended*"))).toContain("the access entry is gone");
  await expect.poll(() => entryOf(cluster), { timeout: 10_000 }).toBeUndefined();
  await expect
    .poll(async () => (await flow.sandbox.getPods("U0ENGINEER", cluster)).ok, { timeout: 10_000 })
    .toBe(false);
});

test("the calls of a run with entries are those that deploy/iam allows", () => {
  const eks = new Set(flow.sandbox.aws.calls.map(({ call }) => call).filter((call) => call.startsWith("eks.")));

  expect([...eks].sort()).toEqual([
    "eks.CreateAccessEntry",
    "eks.DeleteAccessEntry",
    "eks.DescribeAccessEntry",
    "eks.DescribeCluster",
    "eks.ListAccessEntries",
    "eks.ListAssociatedAccessPolicies",
  ]);
});
