const chainActions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

const entryCreation = ["eks:CreateAccessEntry"];
const entryChanges = [
  "eks:AssociateAccessPolicy",
  "eks:DeleteAccessEntry",
  "eks:DisassociateAccessPolicy",
  "eks:TagResource",
  "eks:UntagResource",
  "eks:UpdateAccessEntry",
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
  if (givesEntries) statements.push([["eks:TagResource", "eks:UntagResource"], clusterArn, ownTagsOnly]);
  return policyOf(...statements);
}

/** Limits a session to migrating, rescuing and bootstrapping one cluster, as those three policies of deploy/iam together. */
export function managerSessionPolicy(clusterArn: string): string {
  const of = (kind: string) => `${clusterArn.replace(":cluster/", `:${kind}/`)}/*`;
  const [, partition = "aws"] = clusterArn.split(":");
  const policies = `arn:${partition}:eks::aws:cluster-access-policy`;
  return policyOf(
    [["eks:DescribeCluster", "eks:UpdateClusterConfig", "eks:DescribeUpdate", "eks:ListAccessEntries"], clusterArn],
    [entryCreation, clusterArn, { StringEquals: { "eks:accessEntryType": "STANDARD" } }],
    // A repair gives a new entry each policy of the earlier one. None gives more than the administrator's, which migrations give.
    [["eks:AssociateAccessPolicy"], of("access-entry"), { StringLike: { "eks:policyArn": `${policies}/*` } }],
    [
      ["eks:DisassociateAccessPolicy"],
      of("access-entry"),
      { StringEquals: { "eks:policyArn": `${policies}/AmazonEKSClusterAdminPolicy` } },
    ],
    [managedEntryChanges, of("access-entry")],
    [["eks:ListNodegroups", "eks:ListFargateProfiles"], clusterArn],
    [["eks:DescribeNodegroup"], of("nodegroup")],
    [["eks:DescribeFargateProfile"], of("fargateprofile")],
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
  const Statement = [{ Effect: "Deny", Action: "*", Resource: "*" }];
  return JSON.stringify({ Version: "2012-10-17", Statement });
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
