import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { account, arns, channel, clusterArn, externalId, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const accounts = [account, ...Array.from({ length: 39 }, (_, index) => String(200_000_000_000 + index))];
const tags = { "eks-access": "yes", env: "production" };

/** Everything about 120 clusters in 40 accounts. */
const configuration = `
defaults:
  creator: { roleArn: "arn:aws:iam::{account}:role/cluster-creator", externalId: ${externalId} }
  channel: ${channel}
  approvers: [U0APPROVER, U0APPROVER2]
  levels: [viewer]
templates:
  production: { onCall: [U0ONCALL] }
fleet:
  accounts:
    [
${Array.from({ length: 10 }, (_, row) => `      ${accounts.slice(row * 4, row * 4 + 4).map((each) => `"${each}"`)},`).join("\n")}
    ]
  regions: [${region}]
  roleArn: arn:aws:iam::{account}:role/eks-access-finder
  externalId: ${externalId}
  clusters: { eks-access: "yes" }
  templates:
    - { clusters: { env: production }, template: production }
  every: 10s
operators:
  channel: C0OPS
levels:
  viewer:
    groups: [eks-access:viewers]
    maxDuration: 8h
    verify:
      - { verb: list, resource: pods, namespace: default }
policy:
  rules:
    - { name: production takes one, clusters: { env: production }, approvals: 1 }
    - { name: the rest takes two, approvals: 2 }
timing:
  sweepEvery: 1s
`;

let flow: Flow;
let file: string;

beforeAll(async () => {
  const scene = { clusters: [{ name: "shop-0", creatorArn: arns.creator }], text: "", populate: () => "" };
  flow = await startFlow({
    configuration,
    scene,
    prepare: ({ aws, slack }) => {
      slack.addChannel({ id: "C0OPS", name: "operators", members: [slack.botUserId] });
      for (const of of accounts) {
        const trust = { principals: [arns.worker], externalId };
        aws.account.addRole({
          name: "eks-access-finder",
          account: of,
          allow: ["eks:ListClusters", "eks:DescribeCluster"],
          trust,
        });
      }
      aws.updateCluster(clusterArn("shop-0"), { tags });
      for (let count = 1; count < 120; count += 1) addCluster(aws, count);
    },
  });
  file = flow.sandbox.environmentOf("slack", { redisUrl: "" }).EKS_ACCESS_CONFIG ?? "";
});
afterAll(() => flow.stop());

/** A cluster of the fleet that EKS lists, and that nothing signs in to. */
function addCluster(aws: Flow["sandbox"]["aws"], count: number): void {
  const of = accounts[count % 40] ?? "";
  const creatorArn = `arn:aws:iam::${of}:role/eks-access-finder`;
  const place = { region, account: of, endpoint: "https://127.0.0.1:1", certificateAuthority: "LS0tLS1CRUdJTiA" };
  aws.addCluster({ name: `shop-${count}`, creatorArn, ...place, tags });
}

const person = (user: string) => flow.sandbox.slack.person(user);
const operatorsRead = (text: string) =>
  flow.until(() =>
    flow.sandbox.slack
      .messages("C0OPS")
      .map(textOf)
      .find((each) => each.includes(text)),
  );
const ask = (cluster: string, reason: string) =>
  person("U0ENGINEER").command(`/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`, channel);

describe("120 clusters in 40 accounts", () => {
  test("are configured in fewer than sixty lines, and one is granted like any other", async () => {
    await operatorsRead("and 90 more");

    await ask("shop-0", "look around");
    await person("U0APPROVER").click(await flow.asked("look around"), "approve");
    await flow.active();

    expect(configuration.trim().split("\n").length).toBeLessThan(60);
    expect(await flow.sandbox.getPods("U0ENGINEER", "shop-0")).toMatchObject({ ok: true });
  });

  test("one more appears by itself, and people can ask for it", async () => {
    addCluster(flow.sandbox.aws, 120);
    await operatorsRead("New: shop-120 in");
    await person("U0ENGINEER").command("/eks-access clusters shop-120", channel);

    expect(textOf(await flow.answer("U0ENGINEER", "*`shop-120`*"))).toContain(
      "`shop-120` in `eu-central-1`, account `111122223333`",
    );
  });

  test("a changed file counts while a request waits, and a broken one counts nowhere", async () => {
    const text = await readFile(file, "utf8");
    await ask("shop-0", "wait for the file");
    const asked = await flow.asked("wait for the file");

    await writeFile(file, text.replace("approvals: 2", "approvals: many"));
    const refused = await operatorsRead("refuses the new eks-access.yml");
    await writeFile(file, `${text}limits: { pending: 3 }\n`);
    await operatorsRead("The Slack process follows a new eks-access.yml");
    await operatorsRead("The worker follows a new eks-access.yml");
    await person("U0APPROVER").click(asked, "approve");
    await flow.told("is active until");

    expect(refused).toContain("policy.rules[1].approvals: it is a text; write a number.");
  });
});
