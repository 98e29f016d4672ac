import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const hidden = `  payments:
    eksName: payments-eks
    region: eu-central-1
    account: "444455556666"
    creator:
      roleArn: arn:aws:iam::444455556666:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer]
`;
const policy = `
policy:
  rules:
    - { name: engineers, who: [U0ENGINEER, U0ONCALL], clusters: [staging] }
    - { name: payments, who: [U0ONCALL], clusters: [payments] }
    - { name: nobody, who: [U0APPROVER] }
`;

let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp({
    config: `${configText.replace("levels:\n  viewer", `${hidden}levels:\n  viewer`)}${policy}`,
  });
});
afterAll(() => app.stop());

const nearMisses = [
  `request payment ${engineerArn} viewer because`,
  `request other ${engineerArn} viewer because`,
  "break-glass payment because",
  "list payment",
  "why payment",
  "migrate payment",
  "clusters payment",
] as const;

test.each(nearMisses)("who can't use a cluster does not read its name: %s", async (line) => {
  const [stranger, user] = [textOf(await app.say("U0ENGINEER", line)), textOf(await app.say("U0ONCALL", line))];

  expect(stranger).not.toContain("payments");
  expect(user).toContain("payments");
});

test.each(["list `staging`", "clusters “staging”,", "list 'Staging'"])(
  "a copied name is that name: %s",
  async (line) => {
    expect(textOf(await app.say("U0ENGINEER", line))).not.toMatch(/^(?:There is no|No) cluster/);
  },
);

test("a line for another person names the clusters of both, as the form does", async () => {
  const line = `request payment ${engineerArn} viewer for @on-call because`;

  const answer = textOf(await app.say("U0ENGINEER", line));

  expect(answer).toContain("Clusters: staging, payments.");
});

test("a user group of one cluster that is gone from Slack shows no one another cluster, and hides no request", async () => {
  const text = policy.replace("[U0ENGINEER, U0ONCALL]", "[S0GONE, U0ENGINEER]");
  await app.follow(`${configText.replace("levels:\n  viewer", `${hidden}levels:\n  viewer`)}${text}`);
  const { id } = await app.put(aPreviewedRequest());
  const engineer = app.person("U0ENGINEER");
  await engineer.command("/eks-access request", "C0ACCESS");
  await app.slack.until(() => engineer.view());

  expect(await engineer.suggestions("Cluster", "")).toEqual(["staging"]);
  expect(textOf(await app.say("U0ENGINEER", `status ${id}`))).toContain("asks for `viewer` on `staging`");
});
