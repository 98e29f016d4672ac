import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { approvalsNeeded, approversOf, ruleFor } from "../../src/policy/rule.ts";
import { configText } from "../builders/a-cluster.ts";

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

test("without a policy one of the cluster's approvers decides about each level", () => {
  const cluster = staging("");
  const rule = ruleFor(cluster, "admin");
  const [level] = cluster.levels;

  expect(rule && approversOf(rule, cluster)).toEqual(["U0APPROVER", "U0APPROVER2"]);
  expect(rule && level && approvalsNeeded(rule, { ...level, groups: ["system:masters"] })).toBe(1);
});

test("the first rule that names the cluster and the level decides", () => {
  const cluster = staging(`
policy:
  rules:
    - { name: admin takes two, clusters: [staging], levels: [admin], approvals: 2 }
    - { name: the rest, approvers: [U0APPROVER2] }
`);

  expect(ruleFor(cluster, "admin")?.name).toBe("admin takes two");
  expect(ruleFor(cluster, "viewer")?.name).toBe("the rest");
});

describe("a policy that can't be meant so is refused:", () => {
  test.each<[string, string]>([
    ["  rules: []", "policy.rules: write at least one rule."],
    ["  rules: [{ approvals: 2 }]", "policy.rules[0].name: it is missing; give the rule a name."],
    ["  rules: [{ name: a }, { name: a }]", "policy.rules[1].name: there is a rule a already. Give each its own name."],
    ["  rules: [{ name: a, approvals: 0 }]", "policy.rules[0].approvals: one approval is the least."],
    [
      "  rules: [{ name: a, clusters: [prod] }, { name: b }]",
      "policy.rules[0].clusters[0]: there is no cluster prod. Use one of staging.",
    ],
    [
      "  rules: [{ name: a, levels: [root] }, { name: b }]",
      "policy.rules[0].levels[0]: there is no level root. Use one of viewer, admin.",
    ],
    [
      "  rules: [{ name: a, levels: [viewer] }]",
      "clusters.staging.levels[1]: no rule of the policy speaks of admin here. Add one, or take the level out.",
    ],
    [
      "  rules: [{ name: a, levels: [admin], approvals: 3 }, { name: b }]",
      "clusters.staging.levels[1]: the rule a asks for 3 approvals of admin, and only 2 may approve. Name more approvers.",
    ],
  ])("%s", (policy, problem) => {
    expect(problemsOf(policy)).toEqual([problem]);
  });

  test("full control with only one who may approve", () => {
    const masters = configText.replace("eks-access:admins", "system:masters");

    expect(problemsOf("  rules: [{ name: a, approvers: [U0APPROVER] }]", masters)).toEqual([
      "clusters.staging.levels[1]: the rule a asks for 2 approvals of admin, and only 1 may approve. Name more approvers.",
    ]);
  });
});
