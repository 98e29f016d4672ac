import { policyArnOf } from "./aws/access-entry-rules.ts";
import type { SandboxAws } from "./aws/account.ts";
import type { NewCluster } from "./aws/eks-clusters.ts";
import { account, arns, channel, externalId, initialAwsAuth, region } from "./scene.ts";

/** A cluster next to `staging`, which takes access entries. */
interface ModeCluster extends Required<Pick<NewCluster, "name" | "creatorArn" | "authenticationMode" | "nodeRoles">> {
  readonly awsAuth: Readonly<Record<string, string>> | null;
}

const nodeRoles = [{ arn: arns.node, type: "EC2_LINUX" }] as const;
const creatorArn = arns.creator;

/** One reads aws-auth and access entries, the other began without aws-auth. They have the creator of `staging`. */
export const modeClusters: readonly ModeCluster[] = [
  { name: "checkout", creatorArn, authenticationMode: "API_AND_CONFIG_MAP", nodeRoles, awsAuth: initialAwsAuth },
  { name: "analytics", creatorArn, authenticationMode: "API", nodeRoles, awsAuth: null },
];

/** Their part of `eks-access.yml`. */
export const modeClustersText = modeClusters
  .map(
    ({ name }) => `  ${name}:
    eksName: ${name}
    region: ${region}
    account: "${account}"
    creator: { roleArn: "${arns.creator}", externalId: ${externalId} }
    channel: ${channel}
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer, admin]
    signIn: { roles: ["${arns.developers}"], externalId: ${externalId} }
`,
  )
  .join("");

/** The rights for leases by access entries. */
const entryActions = [
  "eks:CreateAccessEntry",
  "eks:UpdateAccessEntry",
  "eks:DeleteAccessEntry",
  "eks:AssociateAccessPolicy",
  "eks:DisassociateAccessPolicy",
  "eks:TagResource",
  "eks:UntagResource",
];

/** Adds the role of the nodes, and the creator's rights over access entries, before the clusters. */
export function populateModes({ account: identities }: SandboxAws): void {
  identities.addRole({ name: "eks-node" });
  const allowed = identities.identity(arns.creator)?.allow ?? [];
  identities.setAllowed(arns.creator, [...allowed, ...entryActions.filter((action) => !allowed.includes(action))]);
}

/** The platform team gets in by an entry here, without aws-auth. */
export function admitPlatformTeam(aws: SandboxAws, arn: string): void {
  const policies = [policyArnOf(aws.account.partition, "AmazonEKSClusterAdminPolicy")];
  const username = "platform-admin:{{SessionName}}";
  aws.updateCluster(arn, { accessEntries: [{ principalArn: arns.admins, username, groups: [], policies }] });
}
