import type { SandboxAnswer } from "../http-server.ts";
import type { EksCluster } from "./eks-clusters.ts";
import { eksError } from "./refusal.ts";

/** An access entry as somebody made it. The sandbox's API server does not go by it: only the API of EKS tells of it. */
export interface SandboxAccessEntry {
  /** With a role's path, as in IAM. */
  principalArn: string;
  username: string;
  groups: readonly string[];
  /** ARNs of access policies: `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`. */
  policies: readonly string[];
}

/** What of `/clusters/<name>/access-entries…` is asked. */
export type AccessEntryAction = "ListAccessEntries" | "DescribeAccessEntry" | "ListAssociatedAccessPolicies";

const path = /^\/clusters\/([^/]+)\/access-entries(?:\/([^/]+)(\/access-policies)?)?$/;

/** The call that a path stands for, and the principal that it names; null: it is about no access entries. */
export function accessEntryCall(
  pathname: string,
): { action: AccessEntryAction; cluster: string; principalArn: string } | null {
  const [, cluster, principal, policies] = path.exec(pathname) ?? [];
  if (cluster === undefined) return null;
  const named = { cluster: decodeURIComponent(cluster), principalArn: decodeURIComponent(principal ?? "") };
  if (principal === undefined) return { action: "ListAccessEntries", ...named };
  return { action: policies ? "ListAssociatedAccessPolicies" : "DescribeAccessEntry", ...named };
}

/** Answers as the EKS API reference has it, for a caller who may ask. */
export function answerAccessEntries(
  cluster: EksCluster,
  action: AccessEntryAction,
  principalArn: string,
  query: URLSearchParams,
): SandboxAnswer {
  if (cluster.authenticationMode === "CONFIG_MAP") {
    const message =
      "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.";
    return eksError("InvalidRequestException", message);
  }
  const { accessEntries = [] } = cluster;
  if (action === "ListAccessEntries") return page(accessEntries, query);
  const entry = accessEntries.find((each) => each.principalArn === principalArn);
  if (!entry) {
    const message =
      "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.";
    return eksError("ResourceNotFoundException", message, 404);
  }
  return answer(
    action === "DescribeAccessEntry" ? { accessEntry: object(cluster, entry) } : policiesOf(cluster, entry),
  );
}

/** ARNs a page at a time; the token is the place to go on from. */
function page(entries: readonly SandboxAccessEntry[], query: URLSearchParams): SandboxAnswer {
  const size = Number(query.get("maxResults") ?? 100);
  const start = Number(query.get("nextToken") ?? 0);
  const accessEntries = entries.slice(start, start + size).map(({ principalArn }) => principalArn);
  const next = start + size < entries.length ? { nextToken: String(start + size) } : {};
  return answer({ accessEntries, ...next });
}

function object(cluster: EksCluster, { principalArn, username, groups }: SandboxAccessEntry): object {
  const [, partition, , region, account] = cluster.arn.split(":");
  const [kind, name] = [principalArn.includes(":user/") ? "user" : "role", principalArn.split("/").at(-1)];
  const id = `${kind}/${account}/${name}/eac00000-0000-4000-8000-000000000000`;
  return {
    clusterName: cluster.name,
    principalArn,
    kubernetesGroups: groups,
    accessEntryArn: `arn:${partition}:eks:${region}:${account}:access-entry/${cluster.name}/${id}`,
    createdAt: cluster.createdAt.getTime() / 1000,
    modifiedAt: cluster.createdAt.getTime() / 1000,
    tags: {},
    username,
    type: "STANDARD",
  };
}

function policiesOf(cluster: EksCluster, { principalArn, policies }: SandboxAccessEntry): object {
  const at = cluster.createdAt.getTime() / 1000;
  const associatedAccessPolicies = policies.map((policyArn) => ({
    policyArn,
    accessScope: { type: "cluster", namespaces: [] },
    associatedAt: at,
    modifiedAt: at,
  }));
  return { clusterName: cluster.name, principalArn, associatedAccessPolicies };
}

function answer(body: object): SandboxAnswer {
  return { status: 200, body: JSON.stringify(body) };
}
