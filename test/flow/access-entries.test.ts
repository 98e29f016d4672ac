import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { arns, channel, clusterArn } from "../../sandbox/scene.ts";
import { admitPlatformTeam } from "../../sandbox/scene-clusters.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;
beforeAll(async () => {
  flow = await startFlow({ everyMode: true });
});
afterAll(() => flow.stop());

const entryOf = (cluster: string) =>
  flow.sandbox.aws.accessOf(clusterArn(cluster))?.entries.find(({ principalArn }) => principalArn === arns.engineer);

describe("check says what decides who gets in", () => {
  /** What a person on call reads who asks now. */
  const check = async (cluster: string): Promise<string> => {
    const { slack } = flow.sandbox;
    const { seen } = await slack.person("U0ONCALL").command(`/eks-access check ${cluster}`, channel);
    return textOf(await slack.until(() => seen()[0]));
  };
  const hiding = { principalArn: arns.admins, username: "by-entry", groups: ["nobodys"], policies: [] };

  afterEach(() => {
    for (const name of ["checkout", "analytics"]) {
      flow.sandbox.aws.updateCluster(clusterArn(name), { accessEntries: [] });
    }
    admitPlatformTeam(flow.sandbox.aws, clusterArn("analytics"));
  });

  test("on staging: the document, which is in order, and nothing of access entries", async () => {
    const answer = await check("staging");

    expect(answer).toContain("*Who gets in to `staging`* `CONFIG_MAP`: only aws-auth counts");
    expect(answer).toContain("*aws-auth of `staging`* ✓ 1 notice");
    expect(answer).not.toContain("access entries of");
  });

  test("on checkout: first its access entries, with the item that one of them hides, and then the document", async () => {
    flow.sandbox.aws.updateCluster(clusterArn("checkout"), { accessEntries: [hiding] });

    const answer = await check("checkout");

    expect(answer).toMatch(
      /`API_AND_CONFIG_MAP`: access entries count first.*\*access entries of `checkout`\* ✓ .*\*aws-auth of `checkout`\* ✓/s,
    );
    expect(answer).toContain("3 access entries: 2 `STANDARD`, 1 `EC2_LINUX`");
    expect(answer).toContain(`*\`entry-hides-item\`* \`${arns.admins}\``);
    expect(answer).toContain("of aws-auth and loses `system:masters`");
    expect(answer).toContain("names `nobodys`.");
  });

  test("on analytics: its access entries, and that no one would read a document", async () => {
    const answer = await check("analytics");

    expect(answer).toContain("`API`: only access entries count");
    expect(answer).toContain("3 access entries: 2 `STANDARD`, 1 `EC2_LINUX`");
    expect(answer).toContain("`analytics` has no ConfigMap `aws-auth` in `kube-system`, and does not need one.");
  });

  test.each(["eks:ListAccessEntries", "eks:DescribeAccessEntry"])(
    "on checkout where the creator lacks %s: that, its remedy, and the document",
    async (action) => {
      const { account } = flow.sandbox.aws;
      const allowed = account.identity(arns.creator)?.allow ?? [];
      account.setAllowed(
        arns.creator,
        allowed.filter((each) => each !== action),
      );

      const answer = await check("checkout");
      account.setAllowed(arns.creator, allowed);

      expect(answer).toContain(`AWS refused ${action} on `);
      expect(answer).toContain("Give accessEntries.as the statements of deploy/iam");
      expect(answer).toContain("*aws-auth of `checkout`* ✓ 1 notice");
    },
  );
});

test.each(["analytics", "checkout"])("on %s access comes by an access entry, and goes with it", async (cluster) => {
  const person = (id: string) => flow.sandbox.slack.person(id);
  const reason = `look into ${cluster}`;
  const find = (text: string) =>
    flow.until(() =>
      flow.sandbox.slack
        .messages(channel)
        .findLast((message) => [reason, text].every((part) => wholeTextOf(message).includes(part))),
    );

  await person("U0ENGINEER").command(
    `/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`,
    channel,
  );
  const asked = await find("[Approve]");
  await person("U0APPROVER").click(asked, "details");
  expect(textOf(await flow.until(() => person("U0APPROVER").view()))).toContain("+++ b/access-entry");
  await person("U0APPROVER").click(asked, "approve");
  const active = JSON.stringify((await find("*Active*")).blocks);
  await expect.poll(async () => (await flow.sandbox.getPods("U0ENGINEER", cluster)).ok).toBe(true);
  expect(entryOf(cluster)).toMatchObject({ groups: ["eks-access:viewers"] });

  const id = /r-[a-z0-9]{8}/.exec(active)?.[0];
  await person("U0ENGINEER").command(`/eks-access revoke ${id} done`, channel);
  const ended = await find("*Ended*");
  const inThread = () =>
    flow.sandbox.slack
      .replies(ended)
      .map(textOf)
      .find((text) => text.includes("Ended "));
  expect(await flow.until(inThread)).toContain("the access entry is gone");
  await expect.poll(() => entryOf(cluster)).toBeUndefined();
  await expect.poll(async () => (await flow.sandbox.getPods("U0ENGINEER", cluster)).ok).toBe(false);
});

/** A real API server that is older than 1.28 lets the role in and lists pods, and can't say who it is. */
const asDevelopers = process.env.KUBEBUILDER_ASSETS
  ? /^(?:as `eks-access:\d+:developers:\S+` with eks-access:viewers|with an unknown name \(.*\))$/
  : /^as `eks-access:\d+:developers:\S+` with eks-access:viewers$/;

test.each(["staging", "analytics", "checkout"])(
  "on %s a role that the worker may become signs in for its proof",
  async (cluster) => {
    const reason = `sign in to ${cluster}`;
    const find = (text: string) =>
      flow.until(() =>
        flow.sandbox.slack
          .messages(channel)
          .findLast((message) => [reason, text].every((part) => wholeTextOf(message).includes(part))),
      );
    const person = (id: string) => flow.sandbox.slack.person(id);

    const line = `/eks-access request ${cluster} ${arns.developers} viewer for 1h ${reason}`;
    await person("U0ENGINEER").command(line, channel);
    await person("U0APPROVER").click(await find("[Approve]"), "approve");
    const id = /r-[a-z0-9]{8}/.exec(JSON.stringify((await find("*Active*")).blocks))?.[0] ?? "";
    const proved = textOf(await flow.told(`\`${id}\`) is active until`));

    expect(/✓ \*signed in\*: (.*), listed pods in default, \d+ ms after it was mapped/.exec(proved)?.[1]).toMatch(
      asDevelopers,
    );
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
    "iam.GetRole",
    "sts.AssumeRole",
    "sts.GetCallerIdentity",
  ]);
});

test("a worker that dies while it signs in leaves it to the next one, which reports the same", async () => {
  const { sandbox } = flow;
  const review = sandbox.faults.plan("kubernetes.self-subject-review", { type: "hang" });
  const person = (id: string) => sandbox.slack.person(id);
  const find = (text: string) =>
    flow.until(() => {
      const messages = sandbox.slack.messages(channel).map(wholeTextOf);
      return sandbox.slack.messages(channel)[
        messages.findLastIndex((each) => each.includes("die now") && each.includes(text))
      ];
    });
  await person("U0ENGINEER").command(`/eks-access request staging ${arns.developers} admin for 10m die now`, channel);
  const asked = await find("[Approve]");
  await person("U0APPROVER").click(asked, "approve");

  await review.struck;
  await flow.worker().kill();
  await find("*Active*");
  await flow.startWorker();

  expect(textOf(await flow.told("listed pods in every namespace"))).toContain("✓ *signed in*");
});
