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

/** A real API server that is older than 1.28 lets the role in and lists pods, and can't say who it is. */
const asDevelopers = process.env.KUBEBUILDER_ASSETS
  ? /^(?:eks-access:\d+:developers:\S+ with eks-access:viewers|whom this API server did not say \(.*\))$/
  : /^eks-access:\d+:developers:\S+ with eks-access:viewers$/;

test.each(["staging", "analytics", "checkout"])(
  "on %s a role that the worker may become signs in for its proof",
  async (cluster) => {
    const reason = `sign in to ${cluster}`;
    const find = (text: string) =>
      flow.until(
        () =>
          flow.sandbox.slack
            .messages(channel)
            .findLast((message) => textOf(message).includes(reason) && textOf(message).includes(text)),
        30_000,
      );
    const person = (id: string) => flow.sandbox.slack.person(id);

    const line = `/eks-access request ${cluster} ${arns.developers} viewer for 1h ${reason}`;
    await person("U0ENGINEER").command(line, channel);
    await person("U0APPROVER").click(await find("[Approve]"), "approve");
    const proved = textOf(await find("✓ *signed in*"));

    expect(/✓ \*signed in\*: as (.*), listed pods in default, \d+ ms after it was mapped/.exec(proved)?.[1]).toMatch(
      asDevelopers,
    );
    const id = /r-[a-z0-9]{8}/.exec(proved)?.[0] ?? "";
    expect(textOf(await flow.told(`\`${id}\`) is active until`))).toContain("✓ *signed in*");
  },
);

test("the calls of a run with entries are those that deploy/iam allows", () => {
  const called = new Set(flow.sandbox.aws.calls.map(({ call }) => call));

  expect([...called].sort()).toEqual([
    "eks.CreateAccessEntry",
    "eks.DeleteAccessEntry",
    "eks.DescribeAccessEntry",
    "eks.DescribeCluster",
    "eks.ListAccessEntries",
    "eks.ListAssociatedAccessPolicies",
    "eks.TagResource",
    "sts.AssumeRole",
    "sts.GetCallerIdentity",
  ]);
});

test("a worker that dies while it signs in leaves it to the next one, which tells the same", async () => {
  const { sandbox } = flow;
  const review = sandbox.faults.plan("kubernetes.self-subject-review", { type: "hang" });
  const person = (id: string) => sandbox.slack.person(id);
  const find = (text: string) =>
    flow.until(() => {
      const messages = sandbox.slack.messages(channel).map(textOf);
      return sandbox.slack.messages(channel)[
        messages.findLastIndex((each) => each.includes("die now") && each.includes(text))
      ];
    }, 30_000);
  await person("U0ENGINEER").command(`/eks-access request staging ${arns.developers} admin for 10m die now`, channel);
  const asked = await find("[Approve]");
  for (const approver of ["U0APPROVER", "U0APPROVER2"]) await person(approver).click(asked, "approve");

  await review.struck;
  await flow.worker().kill();
  expect(textOf(await find("*Active*"))).toContain("*signed in* not tested: it is being tried");
  await flow.startWorker();

  expect(textOf(await find("✓ *signed in*"))).toContain("listed pods in every namespace");
});
