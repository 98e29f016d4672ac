import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { account, arns, channel, externalId, region } from "../../sandbox/scene.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { creatorArns, creators } from "../creators.ts";
import { type Flow, proofIn, startFlow } from "./start-flow.ts";

const clusters = ["staging", "payments", "legacy", "research"] as const;
type Name = (typeof clusters)[number];

describe("a cluster of each kind of creator", () => {
  let flow: Flow;

  beforeAll(async () => {
    flow = await startFlow({ scene: creators, slackRateLimits: false });
  });
  afterAll(() => flow.stop());

  const person = (user: string) => flow.sandbox.slack.person(user);
  const holding = (...texts: readonly string[]) =>
    flow.until(() =>
      flow.sandbox.slack
        .messages(channel)
        .findLast((message) => texts.every((text) => wholeTextOf(message).includes(text))),
    );
  const ask = (cluster: string, arn: string, reason: string) =>
    person("U0ENGINEER").command(`/eks-access request ${cluster} ${arn} viewer for 1h ${reason}`, channel);
  const creatorOf = async (cluster: Name) => {
    const { seen } = await person("U0ONCALL").command(`/eks-access creator ${cluster}`, channel);
    return textOf(await flow.until(() => seen()[0]));
  };
  /** What a role or user of the account has called, as IAM calls it; `let in`: what AWS did not refuse of it. */
  const actionsOf = (arn: string, which: "let in" | "refused" = "let in") => {
    const name = arn.split("/").at(-1);
    const calls = flow.sandbox.aws.calls.filter(
      ({ by, status }) => by?.split("/").includes(name ?? "") && (status === 403) === (which === "refused"),
    );
    const actions = calls.map(({ call }) => call.replace(".", ":")).filter((call) => call !== "sts:GetCallerIdentity");
    return new Set(actions);
  };

  test.each(clusters)("%s: from Unauthorized through request and approval to pods", async (cluster) => {
    const before = await flow.sandbox.getPods("U0ENGINEER", cluster);

    await ask(cluster, arns.engineer, `look into ${cluster}`);
    await person("U0APPROVER").click(await holding(`look into ${cluster}`, "[Approve]"), "approve");
    const message = await holding(`look into ${cluster}`, "*Active*");
    const active = await flow.until(() => proofIn(flow, message));
    const during = await flow.sandbox.getPods("U0ENGINEER", cluster);

    expect(before.output).toBe("error: You must be logged in to the server (Unauthorized)");
    expect(active).toContain("✓ mapped, ✓ authorized");
    expect(during).toMatchObject({ ok: true });
  });

  test.each<[Name, readonly string[]]>([
    ["staging", [`*Configured* \`${arns.creator}\``, "✓ the same, as `AssumedRole`", "✓ can act as it"]],
    [
      "payments",
      [
        `*Configured* \`${creatorArns.chained}\`, assumed through \`${creatorArns.hub}\``,
        "✓ the same, as `AssumedRole`",
        "✓ can act as it",
      ],
    ],
    [
      "legacy",
      [
        `*Configured* the user \`${creatorArns.user}\`, with the keys of the worker's profile \`legacy-founder\``,
        "✓ the same, as `IAMUser`",
        "✓ can act as it",
      ],
    ],
    [
      "research",
      [
        "*Configured* discover: the identity that CloudTrail names",
        `✓ \`${creatorArns.discovered}\`, as \`AssumedRole\``,
        `✓ can act as \`${creatorArns.discovered}\``,
        `Add \`creator: { roleArn: ${creatorArns.discovered}, externalId: ${externalId} }\` to eks-access.yml`,
      ],
    ],
  ])("/eks-access creator %s shows who it is and how the worker becomes it", async (cluster, texts) => {
    const answer = await creatorOf(cluster);

    for (const text of texts) expect(answer).toContain(text);
  });

  test.each(clusters)(
    "%s: why, where an access entry goes before aws-auth, is answered as the creator",
    async (cluster) => {
      const policies = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"];
      const entry = { principalArn: arns.developers, username: "developers", groups: [], policies };
      const arn = `arn:aws:eks:${region}:${account}:cluster/${cluster}`;
      flow.sandbox.aws.updateCluster(arn, { authenticationMode: "API_AND_CONFIG_MAP", accessEntries: [entry] });

      const { seen } = await person("U0ENGINEER").command(`/eks-access why ${cluster} ${arns.developers}`, channel);
      const answer = textOf(await flow.until(() => seen()[0]));

      expect(answer).toContain("AmazonEKSViewPolicy");
    },
  );

  test.each<[Name, string]>([
    ["legacy", creatorArns.user],
    ["payments", "arn:aws:iam::111122223333:role/payments-creator"],
  ])("no one gets the creator of %s into the map: the policy refuses it at once", async (cluster, arn) => {
    await ask(cluster, arn, "for the creator");

    const answer = textOf(await flow.answer("U0ENGINEER", `created ${cluster}, so it has full access`));

    expect(answer).toContain("No request made");
    expect(answer).toContain(`\`${arn}\` created ${cluster},`);
  });

  test("no one gets a discovered creator into the map: the worker, who knows it, refuses", async () => {
    await ask("research", creatorArns.discovered, "for whom nobody knows");

    const told = textOf(await flow.told("so it has full access"));

    expect(told).toContain(creatorArns.discovered);
  });

  test("a chain carries the person and the request, and nothing can be set again on the way", () => {
    const events = flow.sandbox.aws.cloudTrail.events.filter(({ name }) => name === "AssumeRole");
    const parameters = events.map(({ record }) => record.requestParameters);
    const of = (roleArn: string) =>
      parameters
        .filter((each) => JSON.stringify(each).includes(`"roleArn":"${roleArn}"`))
        .map((each) => ({ ...Object(each) }));
    const forEngineer = (each: object) => "sourceIdentity" in each && each.sourceIdentity === "U0ENGINEER";

    const hub = of(creatorArns.hub).find(forEngineer);
    const chained = of(creatorArns.chained).find(forEngineer);

    expect(hub).toMatchObject({
      durationSeconds: 900,
      roleSessionName: expect.stringMatching(/^eks-access-U0ENGINEER-r-/),
      transitiveTagKeys: ["eks-access:requests", "eks-access:requesters"],
    });
    expect(chained).toMatchObject({
      durationSeconds: 900,
      roleSessionName: expect.stringMatching(/^eks-access-U0ENGINEER-r-/),
    });
    expect(chained).not.toHaveProperty("tags");
  });

  test("each identity has called exactly what its policy in deploy/iam allows, and has no other right", () => {
    const documented = (file: string) => {
      const text = readFileSync(new URL(`../../deploy/iam/${file}.json`, import.meta.url), "utf8");
      return [
        ...new Set([...text.matchAll(/"((?:sts|eks|iam|cloudtrail):[A-Z]\w+)"/g)].map(([, action = ""]) => action)),
      ];
    };
    // These two are asked for by AssumeRole, and have no call of their own.
    const carried = ["sts:SetSourceIdentity", "sts:TagSession"];
    const files: [string, string][] = [
      [arns.worker, "worker-policy"],
      [arns.creator, "creator-policy"],
      [creatorArns.hub, "through-policy"],
      [creatorArns.chained, "creator-policy"],
      [creatorArns.user, "creator-policy"],
      [creatorArns.discovered, "creator-policy"],
    ];

    for (const [arn, file] of files) {
      const allowed = documented(file);
      expect([...(flow.sandbox.aws.account.identity(arn)?.allow ?? [])].sort(), arn).toEqual(allowed.sort());
      expect([...actionsOf(arn)].sort(), arn).toEqual(allowed.filter((action) => !carried.includes(action)));
      // The worker looks by itself for rescues, which takes the policy of a rescue; no one has it here.
      expect([...actionsOf(arn, "refused")], arn).toEqual(arn === arns.worker ? ["eks:DescribeCluster"] : []);
    }
    expect(flow.sandbox.aws.calls.filter(({ by }) => by === undefined)).toEqual([]);
  });
});
