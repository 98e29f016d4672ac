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

/** One that reads aws-auth as well as its access entries, and one that was made without. Their creator is that of `staging`. */
export const modeClusters: readonly ModeCluster[] = [
  { name: "checkout", creatorArn, authenticationMode: "API_AND_CONFIG_MAP", nodeRoles, awsAuth: initialAwsAuth },
  { name: "analytics", creatorArn, authenticationMode: "API", nodeRoles, awsAuth: null },
];

/** How `eks-access.yml` names them. */
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

/** The rights to give access through access entries. */
const entryActions = [
  "eks:CreateAccessEntry",
  "eks:UpdateAccessEntry",
  "eks:DeleteAccessEntry",
  "eks:AssociateAccessPolicy",
  "eks:DisassociateAccessPolicy",
  "eks:TagResource",
  "eks:UntagResource",
];

/** The role of the nodes, and the rights of the creator over access entries. Before the clusters are added. */
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
