import { describe, expect, test } from "vitest";
import type { ClusterAccess } from "../../../sandbox/aws/eks-clusters.ts";
import { authorizeByPolicies } from "../../../sandbox/cluster/default-roles.ts";
import type { Attributes } from "../../../sandbox/cluster/rbac.ts";

// Copies: EKS User Guide, "Review access policy permissions". Each row is what sets one policy apart from another.

const core = (verb: string, resource: string, subresource?: string) => ({
  ...{ verb, resource, group: "", namespace: "shop" },
  ...(subresource === undefined ? {} : { subresource }),
});
const inGroup = (group: string, verb: string, resource: string) => ({ verb, resource, group, namespace: "shop" });

const metrics: Attributes = { verb: "get", path: "/metrics" };

function allowed(name: string, asked: Attributes, namespaces: readonly string[] | null = null): boolean {
  const policyArn = `arn:aws:eks::aws:cluster-access-policy/${name}`;
  const policies = [{ policyArn, namespaces, associatedAt: new Date(), modifiedAt: new Date() }];
  const entry = { principalArn: "arn", principalId: "AIDA1", username: "dev", groups: [], policies };
  const access: ClusterAccess = { mode: "API", entries: [entry] };
  return authorizeByPolicies(access, { extra: { principalId: ["AIDA1"] } }, asked).allowed;
}

const all = ["View", "Edit", "Admin", "AdminView", "SecretReader", "ClusterAdmin"] as const;

/** The policies that allow something, by what is in the middle of their names. */
const allowing = (asked: Attributes) => all.filter((name) => allowed(`AmazonEKS${name}Policy`, asked));

describe("the tables", () => {
  test.each([
    ["list pods", core("list", "pods"), ["View", "Edit", "Admin", "AdminView", "ClusterAdmin"]],
    ["read logs", core("get", "pods", "log"), ["View", "Edit", "Admin", "AdminView", "ClusterAdmin"]],
    ["read secrets", core("get", "secrets"), ["Edit", "Admin", "AdminView", "SecretReader", "ClusterAdmin"]],
    ["write secrets", core("update", "secrets"), ["Edit", "Admin", "ClusterAdmin"]],
    ["run a command in a pod", core("create", "pods", "exec"), ["Edit", "Admin", "ClusterAdmin"]],
    ["create a deployment", inGroup("apps", "create", "deployments"), ["Edit", "Admin", "ClusterAdmin"]],
    ["act as a service account", core("impersonate", "serviceaccounts"), ["Edit", "Admin", "ClusterAdmin"]],
    ["see roles", inGroup("rbac.authorization.k8s.io", "list", "roles"), ["Admin", "AdminView", "ClusterAdmin"]],
    ["give roles", inGroup("rbac.authorization.k8s.io", "create", "rolebindings"), ["Admin", "ClusterAdmin"]],
    ["see nodes", core("list", "nodes"), ["AdminView", "ClusterAdmin"]],
    ["write quotas", core("create", "resourcequotas"), ["ClusterAdmin"]],
    ["act as a user", core("impersonate", "users"), ["ClusterAdmin"]],
  ])("the people who can %s", (_, attributes, names) => {
    expect(allowing(attributes)).toEqual(names);
  });

  test("only the administrator of the cluster can call what is no resource", () => {
    expect(allowing(metrics)).toEqual(["ClusterAdmin"]);
  });
});

describe("the scope", () => {
  test.each([
    [["shop"], true],
    [["sho"], false],
    [["web", "sh*"], true],
    [["*op"], true],
    [["s.op"], false],
  ])("%j covers the namespace shop: %s", (namespaces, expected) => {
    expect(allowed("AmazonEKSViewPolicy", core("list", "pods"), namespaces)).toBe(expected);
  });

  test("of namespaces covers nothing that is in none", () => {
    const everywhere = { verb: "list", resource: "pods", group: "" };

    expect(allowed("AmazonEKSClusterAdminPolicy", everywhere, ["*"])).toBe(false);
    expect(allowed("AmazonEKSClusterAdminPolicy", metrics, ["*"])).toBe(false);
  });
});

test("a policy that the sandbox does not know allows nothing", () => {
  expect(allowed("AmazonEKSOtherPolicy", core("list", "pods"))).toBe(false);
});
