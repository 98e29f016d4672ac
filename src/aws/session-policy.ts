const chainActions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

const entryCreation = ["eks:CreateAccessEntry"];
const entryChanges = [
  "eks:AssociateAccessPolicy",
  "eks:DisassociateAccessPolicy",
  "eks:TagResource",
  "eks:UntagResource",
  "eks:UpdateAccessEntry",
];

/** A deletion names no version: only this condition keeps an entry that others made again right before it. */
const ownEntriesOnly = { StringLike: { "eks:username": "eks-access:*" } };

const managedClusterActions = [
  "eks:DescribeCluster",
  "eks:UpdateClusterConfig",
  "eks:DescribeUpdate",
  "eks:ListAccessEntries",
  "eks:ListNodegroups",
  "eks:ListFargateProfiles",
];
const managedEntryChanges = [
  "eks:DeleteAccessEntry",
  "eks:DescribeAccessEntry",
  "eks:ListAssociatedAccessPolicies",
  "eks:TagResource",
  "eks:UpdateAccessEntry",
];

/**
 * Limits a creator's session to looking at its cluster: the role that created a cluster can often do everything. A session has only
 * the rights that its role and this policy share. Inside the cluster it is an administrator without any IAM permission.
 * @param givesEntries whether this session makes leases as access entries
 */
export function creatorSessionPolicy(clusterArn: string, { givesEntries }: { readonly givesEntries: boolean }): string {
  const entries = `${clusterArn.replace(":cluster/", ":access-entry/")}/*`;
  const statements: Statement[] = [
    [["eks:DescribeCluster", "eks:ListAccessEntries", ...(givesEntries ? entryCreation : [])], clusterArn],
    [["eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies", ...(givesEntries ? entryChanges : [])], entries],
  ];
  const [, partition, , , account] = clusterArn.split(":");
  statements.push([["iam:GetRole"], `arn:${partition}:iam::${account}:role/*`]);
  if (givesEntries) {
    statements.push([["eks:DeleteAccessEntry"], entries, ownEntriesOnly]);
    statements.push([["eks:TagResource", "eks:UntagResource"], clusterArn, ownTagsOnly]);
  }
  return policyOf(...statements);
}

/**
 * Limits a session to migrating, rescuing and bootstrapping one cluster, as those three policies of deploy/iam together. Each ARN counts:
 * STS has room for 2,048 characters of policy and tags, and a cluster's name has up to 100.
 */
export function managerSessionPolicy(clusterArn: string): string {
  const of = (kind: string) => `${clusterArn.replace(":cluster/", `:${kind}/`)}/*`;
  const [, partition = "aws"] = clusterArn.split(":");
  const policies = `arn:${partition}:eks::aws:cluster-access-policy`;
  return policyOf(
    [managedClusterActions, clusterArn],
    [entryCreation, clusterArn, { StringEquals: { "eks:accessEntryType": "STANDARD" } }],
    // A repair gives a new entry each policy of the earlier one.
    [["eks:AssociateAccessPolicy", ...managedEntryChanges], of("access-entry")],
    [
      ["eks:DisassociateAccessPolicy"],
      of("access-entry"),
      { StringEquals: { "eks:policyArn": `${policies}/AmazonEKSClusterAdminPolicy` } },
    ],
    // Both kinds: nodegroup/ and fargateprofile/.
    [["eks:DescribeNodegroup", "eks:DescribeFargateProfile"], of("*")],
  );
}

/** The cluster's other tags serve bills, owners and other policies: only ours can change. */
const ownTagsOnly = { "ForAllValues:StringLike": { "aws:TagKeys": "eks-access/*" }, Null: { "aws:TagKeys": "false" } };

/** Limits a session on the way to a creator to assuming the next role. */
export function nextRoleSessionPolicy(nextRoleArn: string): string {
  return policyOf([chainActions, nextRoleArn]);
}

export function fleetSessionPolicy(): string {
  return policyOf([["eks:ListClusters", "eks:DescribeCluster"], "*"]);
}

export function surveySessionPolicy(): string {
  return policyOf([["eks:ListClusters", "eks:DescribeCluster", "cloudtrail:LookupEvents"], "*"]);
}

/** Limits a session to asking CloudTrail; LookupEvents has no resources. */
export function cloudTrailSessionPolicy(): string {
  return policyOf([["cloudtrail:LookupEvents"], "*"]);
}

/** Limits a session to reading who people are; most of these actions have no resources of one organization. */
export function identityCenterSessionPolicy(): string {
  const store = ["DescribeUser", "GetUserId", "ListGroupMembershipsForMember"].map((name) => `identitystore:${name}`);
  return policyOf([[...store, "sso:DescribePermissionSet", "sso:ListAccountAssignmentsForPrincipal"], "*"]);
}

export function sessionPolicyFor(actions: readonly string[], resource: string): string {
  return policyOf([[...actions], resource]);
}

/** Limits a session to nothing. STS still answers sts:GetCallerIdentity (API reference of STS), and a cluster's token is that call. */
export function nothingSessionPolicy(): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] });
}

type Statement = readonly [actions: readonly string[], resource: string, condition?: object];

function policyOf(...statements: readonly Statement[]): string {
  const Statement = statements.map(([Action, Resource, Condition]) => ({
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition && { Condition }),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

/** The shortest session of STS, in seconds. */
const sessionSeconds = 900;

/** Why a run opens a cluster: a request, or a question from Slack. CloudTrail shows it. */
export type Purpose = { readonly id: string; readonly requester: string };

/** Of STS. Redis can have any text, and a refused session would keep every lease of its cluster. */
const sourceForm = /^(?!aws:)[\w+=,.@-]{2,64}$/;
const notInTag = /[^\w.:/=+@ -]/g;

export function sessionOf(purposes: readonly Purpose[]): {
  readonly sessionName: string;
  readonly sourceIdentity: string;
  readonly durationSeconds: number;
} {
  const requesters = requestersOf(purposes);
  const [only = ""] = requesters;
  return {
    sessionName: sessionNameOf(...requesters, ...purposes.map((purpose) => purpose.id)),
    sourceIdentity: requesters.length === 1 && sourceForm.test(only) ? only : "eks-access",
    durationSeconds: sessionSeconds,
  };
}

export function tagsOf(purposes: readonly Purpose[]): Record<string, string> {
  const ids = purposes.map((purpose) => purpose.id);
  return { "eks-access:requests": tagValue(ids), "eks-access:requesters": tagValue(requestersOf(purposes)) };
}

function requestersOf(purposes: readonly Purpose[]): readonly string[] {
  return [...new Set(purposes.map((request) => request.requester))];
}

/** AWS allows 256 characters in a tag. It counts the rest, and the audit log has all. */
function tagValue(values: readonly string[]): string {
  const clean = values.map((value) => value.slice(0, 200).replace(notInTag, "-"));
  const text = clean.join(" ");
  return text.length <= 256 ? text : `${clean[0]} and ${clean.length - 1} more`;
}

/** The longest name of a session and of a source identity. */
const maxLength = 64;

/** `[\w+=,.@-]{2,64}` (API reference of STS AssumeRole). Cuts the end: the most telling part comes first. */
export function sessionNameOf(...parts: readonly string[]): string {
  const clean = parts.map(cleanPart).filter((part) => part !== "");
  return ["eks-access", ...clean].join("-").slice(0, maxLength);
}

function cleanPart(part: string): string {
  return part
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^A-Za-z0-9_+=,.@-]+/g, "-")
    .replace(/^-+|-+$/g, "");
}
