import { describe, expect, test } from "vitest";
import { approvalsNeeded, approversOf, hoursInWords, ruleFor } from "../../src/access/policy/rule.ts";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

const anybody = { user: "U0ENGINEER", memberships: [] };

function problemsOf(policy: string, base = configText): readonly string[] {
  const reading = readConfig(`${base}policy:\n${policy}`);
  return reading.type === "invalid" ? reading.problems : [];
}

function staging(policy: string) {
  const reading = readConfig(`${configText}${policy}`);
  const cluster = reading.type === "config" ? reading.config.clusters.get("staging") : undefined;
  if (!cluster) throw new Error(reading.type === "invalid" ? reading.problems.join("\n") : "There is no staging.");
  return cluster;
}

test.each<[string, number]>([
  ["eks-access:admins", 1],
  ["system:masters", 2],
  ["policy AmazonEKSClusterAdminPolicy", 2],
  ["policy AmazonEKSClusterAdminPolicy in *", 2],
  ["policy AmazonEKSClusterAdminPolicy in payments", 1],
])("without a policy the cluster's own approvers decide: a level that gives %s needs %i approvals", (given, needed) => {
  const cluster = staging("");
  const rule = ruleFor(cluster, "admin", anybody);
  const [level] = cluster.levels;

  expect(rule && approversOf(rule, cluster)).toEqual(["U0APPROVER", "U0APPROVER2"]);
  expect(rule && level && approvalsNeeded(rule, { ...level, groups: [given] }, new Date(0))).toBe(needed);
});

test("one approval of full control holds where a rule writes it", () => {
  const cluster = staging("policy: { rules: [{ name: alone, approvals: 1 }] }");
  const rule = ruleFor(cluster, "admin", anybody);
  const [level] = cluster.levels;

  expect(rule && level && approvalsNeeded(rule, { ...level, groups: ["system:masters"] }, new Date(0))).toBe(1);
});

test.each(["groups: [system:masters]", "policy: AmazonEKSClusterAdminPolicy"])(
  "without a policy a cluster with one approver can't offer full control: %s",
  (given) => {
    const one = configText.replace(", U0APPROVER2", "").replace("groups: [eks-access:admins]", given);

    const reading = readConfig(one);

    expect(reading).toMatchObject({
      type: "invalid",
      problems: [
        "clusters.staging.levels[1]: admin on staging needs 2 approvals, but staging has 1 approver. Name more, or write a rule for admin with fewer approvals.",
      ],
    });
  },
);

test("without a policy one approver is enough for a level that gives less", () => {
  const reading = readConfig(configText.replace(", U0APPROVER2", ""));

  expect(reading.type).toBe("config");
});

test("the first rule that names the cluster and the level decides", () => {
  const cluster = staging(`
policy:
  rules:
    - { name: admin takes two, clusters: [staging], levels: [admin], approvals: 2 }
    - { name: the rest, approvers: [U0APPROVER2] }
`);

  expect(ruleFor(cluster, "admin", anybody)?.name).toBe("admin takes two");
  expect(ruleFor(cluster, "viewer", anybody)?.name).toBe("the rest");
});

test("each setting of a rule is read", () => {
  const cluster = staging(`
policy:
  rules:
    - name: engineers look
      who: [S0ENGINEERS, "@example.com", U0ENGINEER]
      levels: [viewer]
      principals: { accounts: ["111122223333"], arns: ["arn:aws:iam::*:user/*"], linkedOnly: true }
      maxDuration: 30m
      permanent: true
      approvals: 2
      approvers: [S0PLATFORM, U0APPROVER]
      selfApproval: true
      shared: refuse
      hours: { zone: Europe/Zurich, days: [mon, fri], from: "09:00", to: "24:00", outside: one-more-approval }
    - name: the rest
  breakGlass:
    - { who: [S0ONCALL], level: admin, for: 30m }
`);
  const [rule] = cluster.rules;

  expect(rule).toMatchObject({
    name: "engineers look",
    who: ["S0ENGINEERS", "@example.com", "U0ENGINEER"],
    levels: ["viewer"],
    principals: { accounts: ["111122223333"], arns: ["arn:aws:iam::*:user/*"], linkedOnly: true },
    maxDurationSeconds: 1800,
    permanent: true,
    approvals: 2,
    approvers: ["S0PLATFORM", "U0APPROVER"],
    selfApproval: true,
    shared: "refuse",
    hours: { outside: "one-more-approval" },
  });
  expect(rule?.hours && hoursInWords(rule.hours)).toBe("Mon, Fri, 09:00 to 24:00 (Europe/Zurich)");
  expect(cluster.breakGlass).toEqual({ who: ["S0ONCALL"], level: "admin", durationSeconds: 1800 });
});

test.each<[string, string | null]>([
  ["true", "an operator has closed it for now"],
  ["false", null],
  ["the books are closed until the 5th", "the books are closed until the 5th"],
])("a cluster that is quiet: %s", (quiet, reason) => {
  const reading = readConfig(configText.replace("channel:", `quiet: ${quiet}\n    channel:`));

  expect(reading.type === "config" && reading.config.clusters.get("staging")?.quiet).toBe(reason);
});

describe("a contradictory policy is refused:", () => {
  test.each<[string, string]>([
    ["  rules: []", "policy.rules: write at least one rule."],
    ["  rules: [{ approvals: 2 }]", "policy.rules[0].name: it is missing; give the rule a name."],
    ["  rules: [{ name: a, approvals: 0 }]", "policy.rules[0].approvals: use at least 1."],
  ])("%s", (policy, problem) => {
    expect(problemsOf(policy)).toEqual([problem]);
  });

  test.each<[string, string]>([
    ["who: []", "who: name at least one person, or remove who to include everyone."],
    [
      'approvers: ["@example.com"]',
      "approvers[0]: use the id of a Slack user or user group, for example U012ABCDEF or S012ABCDEF (not a name).",
    ],
  ])("a rule with %s", (setting, problem) => {
    expect(problemsOf(`  rules: [{ name: a, ${setting} }]`)).toEqual([`policy.rules[0].${problem}`]);
  });

  test("a person whom no one else can approve", () => {
    expect(problemsOf("  rules: [{ name: a, who: [U0APPROVER], approvers: [U0APPROVER] }]")).toEqual([
      "clusters.staging.levels[0]: viewer on staging needs 1 approval by the rule a, but the rule has 0 approvers besides U0APPROVER. Name more.",
      "clusters.staging.levels[1]: admin on staging needs 1 approval by the rule a, but the rule has 0 approvers besides U0APPROVER. Name more.",
    ]);
  });

  test("full control with only one who can approve", () => {
    const masters = configText.replace("eks-access:admins", "system:masters");

    expect(problemsOf("  rules: [{ name: a, approvers: [U0APPROVER] }]", masters)).toEqual([
      "clusters.staging.levels[1]: admin on staging needs 2 approvals by the rule a, but the rule has 1 approver. Name more.",
    ]);
  });
});

describe("a rule for labels", () => {
  const labelled = configText.replace(
    "levels: [viewer, admin]",
    "levels: [viewer, admin]\n    labels: { env: production, team: shop }",
  );
  const rulesFor = (clusters: string) => {
    const policy = `policy: { rules: [{ name: some, clusters: ${clusters} }, { name: others }] }`;
    const reading = readConfig(labelled + policy);
    if (reading.type === "invalid") return reading.problems;
    return reading.config.clusters.get("staging")?.rules.map(({ name }) => name);
  };

  test.each([
    ["{ env: production }", ["some", "others"]],
    ["{ env: [dev, production], team: shop }", ["some", "others"]],
    [`{ account: "111122223333", region: eu-central-1 }`, ["some", "others"]],
    ["{ env: production, team: pay }", [expect.stringContaining("no cluster has these labels")]],
    ["{ constructor: x }", [expect.stringContaining("no cluster has these labels")]],
    ["{}", ["policy.rules[0].clusters: name at least one label."]],
    ["dev", ["policy.rules[0].clusters: write a list of names, or labels, for example { env: production }."]],
  ])("%s", (clusters, expected) => {
    expect(rulesFor(clusters)).toEqual(expected);
  });

  test("can't be met by a label that calls itself the account", () => {
    const reading = readConfig(
      `${labelled.replace("env: production", 'account: "999999999999"')}policy: { rules: [{ name: some, clusters: { account: "999999999999" } }, { name: others }] }`,
    );

    expect(reading).toMatchObject({
      type: "invalid",
      problems: [expect.stringContaining("no cluster has these labels")],
    });
  });
});
