import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  accessPolicies,
  choosesNamespaces,
  covers,
  isFullControl,
  isRoleText,
  kubernetesGroups,
  levelGroupsIn,
  matchesLevel,
  placedRoleOf,
  policyTexts,
} from "../../../src/access/policy/policy-text.ts";
import { clusterIn, configOf, configText } from "../../builders/a-cluster.ts";

const scoped = fc.record({
  name: fc.constantFrom("AmazonEKSEditPolicy", "AmazonEKSViewPolicy"),
  namespaces: fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 })),
});

test("a written policy is read as the same policy, beside any groups", () => {
  fc.assert(
    fc.property(
      scoped,
      fc.array(fc.string({ unit: fc.constantFrom("a", ":", "-"), minLength: 1 })),
      (policy, groups) => {
        const given = [...groups, ...policyTexts(policy)];

        expect(kubernetesGroups(given)).toEqual(groups);
        expect(accessPolicies(given)).toEqual([{ ...policy, namespaces: policy.namespaces?.toSorted() ?? null }]);
      },
    ),
  );
});

test("the whole cluster covers each namespace, and no namespace covers another", () => {
  expect(covers(["policy P"], "policy P in a")).toBe(true);
  expect(covers(["policy P in a"], "policy P in b")).toBe(false);
  expect(covers(["policy P in a"], "policy P")).toBe(false);
  for (const given of [
    ["policy P in a", "policy P"],
    ["policy P", "policy P in a"],
  ])
    expect(accessPolicies(given)).toEqual([{ name: "P", namespaces: null }]);
});

test("full control is system:masters, and the policy of a cluster administrator everywhere", () => {
  expect(isFullControl(["system:masters"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy in *"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy in **"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy in a"])).toBe(false);
});

const chooser = ["ClusterRole edit in ?", "ClusterRole view"];

describe("a role that a level binds", () => {
  test.each([
    ["ClusterRole view", { kind: "ClusterRole", name: "view", namespace: null }],
    ["ClusterRole edit in shop", { kind: "ClusterRole", name: "edit", namespace: "shop" }],
    ["Role deployer in shop", { kind: "Role", name: "deployer", namespace: "shop" }],
    ["policy AmazonEKSViewPolicy in shop", null],
    ["viewers", null],
  ])("%s is read as a role", (text, role) => {
    expect(placedRoleOf(text)).toEqual(role);
    expect(isRoleText(text)).toBe(role !== null);
  });

  test("is no group of Kubernetes", () => {
    expect(kubernetesGroups(["viewers", "ClusterRole view", "policy AmazonEKSViewPolicy"])).toEqual(["viewers"]);
  });

  test("cluster-admin is full control", () => {
    expect(isFullControl(["ClusterRole cluster-admin"])).toBe(true);
    expect(isFullControl(["ClusterRole view", "ClusterRole cluster-admin in shop"])).toBe(false);
  });

  test("a ClusterRole in the whole cluster covers each namespace, a Role never does", () => {
    expect(covers(["ClusterRole edit"], "ClusterRole edit in shop")).toBe(true);
    expect(covers(["ClusterRole edit in shop"], "ClusterRole edit")).toBe(false);
    expect(covers(["Role edit"], "Role edit in shop")).toBe(false);
  });
});

describe("the namespaces that a requester chooses", () => {
  test("appear in what the level gives, beside what it gives everywhere", () => {
    expect(levelGroupsIn(chooser, "shop,payments,shop")).toEqual([
      "ClusterRole edit in payments",
      "ClusterRole edit in shop",
      "ClusterRole view",
    ]);
    expect(choosesNamespaces(chooser)).toBe(true);
    expect(choosesNamespaces(["ClusterRole view"])).toBe(false);
  });

  test("can be one of the name choose, which a level can list, too", () => {
    const levels = (where: string) =>
      configText.replace("groups: [eks-access:viewers]", `bind: [{ clusterRole: edit, in: ${where} }]`);
    const given = (where: string) => clusterIn(configOf(levels(where)), "staging").levels[0]?.groups;

    expect(levelGroupsIn(chooser, "choose")).toEqual(["ClusterRole edit in choose", "ClusterRole view"]);
    expect(given("[choose]")).toEqual(["ClusterRole edit in choose"]);
    expect(given("choose")).toEqual(["ClusterRole edit in ?"]);
  });

  test("are all that may differ from the level", () => {
    const groups = levelGroupsIn(chooser, "payments,shop");

    expect(matchesLevel(chooser, { groups, namespaces: "payments,shop" })).toBe(true);
    expect(matchesLevel(chooser, { groups, namespaces: "payments" })).toBe(false);
    expect(matchesLevel(["viewers"], { groups: ["viewers"], namespaces: "" })).toBe(true);
  });

  test.each([
    ["no namespace", ["ClusterRole view"], ""],
    ["another role", ["ClusterRole admin in shop", "ClusterRole view"], "shop"],
    ["a role in the whole cluster", ["ClusterRole edit", "ClusterRole view"], "shop"],
    ["one role more", ["ClusterRole edit in shop", "ClusterRole view", "ClusterRole cluster-admin"], "shop"],
    ["a group", ["ClusterRole edit in shop", "ClusterRole view", "system:masters"], "shop"],
    ["a text that is no role", ["ClusterRole edit in a b", "ClusterRole view"], "a b"],
  ])("and not %s", (_, groups, namespaces) => {
    expect(matchesLevel(chooser, { groups, namespaces })).toBe(false);
  });
});
