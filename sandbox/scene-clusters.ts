import { policyArnOf } from "./aws/access-entry-rules.ts";
import type { SandboxAws } from "./aws/account.ts";
import { type SandboxCluster, type SandboxClusterOptions, startSandboxCluster } from "./cluster/cluster.ts";
import { group } from "./cluster/default-roles.ts";
import type { StandIn } from "./http-server.ts";
import {
  account,
  arns,
  channel,
  clusterArn,
  clusterName,
  configuration,
  externalId,
  initialAwsAuth,
  region,
} from "./scene.ts";

export function configurationOf({ scene, everyMode }: Pick<SandboxOptions, "scene" | "everyMode">): string {
  const more = (scene?.text ?? "") + (everyMode ? modeClustersText : "");
  return configuration.replace(/^levels:/m, `${more}levels:`);
}

export async function startClusters(
  aws: SandboxAws,
  options: SandboxOptions,
): Promise<ReadonlyMap<string, SandboxCluster>> {
  const { faults } = aws;
  const { host, now, onCall, awsAuth = initialAwsAuth, startCluster = startSandboxCluster } = options;
  const bindings = [
    group("eks-access-viewers", "view", "eks-access:viewers"),
    group("eks-access-admins", "cluster-admin", "eks-access:admins"),
  ];
  const wanted = [
    { name: clusterName, creatorArn: arns.creator },
    ...(options.scene?.clusters ?? []),
    ...(options.everyMode ? modeClusters : []),
  ];
  const clusters = new Map<string, SandboxCluster>();
  for (const { name, ...own } of wanted) {
    const access = () => aws.accessOf(clusterArn(name));
    const same = { region, stsUrl: aws.url, rbac: { bindings }, faults, host, now, onCall, access };
    const cluster = await startCluster({ name, awsAuth, ...own, ...same });
    aws.addCluster({ ...cluster, ...own, region });
    if ("awsAuth" in own && own.awsAuth === null) admitPlatformTeam(aws, clusterArn(name));
    clusters.set(name, cluster);
  }
  return clusters;
}

export interface Scene {
  readonly clusters: readonly { readonly name: string; readonly creatorArn: string }[];
  readonly text: string;
  /** Adds their creators, before the clusters; returns the worker's credentials file. */
  readonly populate: (aws: SandboxAws) => string;
}

export interface SandboxOptions extends Omit<StandIn, "faults"> {
  /** Replaces the sandbox's `eks-access.yml`. */
  readonly configuration?: string;
  readonly scene?: Scene;
  readonly everyMode?: boolean;
  readonly awsAuth?: Readonly<Record<string, string>>;
  /** Starts something else as a cluster, for example a real kube-apiserver; absent: the stand-in. */
  readonly startCluster?: (options: SandboxClusterOptions) => Promise<SandboxCluster>;
  /** Slack's rate limits; on by default. */
  readonly slackRateLimits?: boolean;
  /** How long Slack waits for an acknowledgement, in milliseconds; by default three seconds, as Slack does. */
  readonly slackWaitsMs?: number;
  /** PEM: Slack speaks HTTPS; absent: HTTP. */
  readonly slackTls?: { readonly key: string; readonly cert: string };
}

const nodeRoles = [{ arn: arns.node, type: "EC2_LINUX" }] as const;
const creatorArn = arns.creator;

/** One reads aws-auth and access entries, the other began without aws-auth. They have the creator of `staging`. */
const modeClusters = [
  { name: "checkout", creatorArn, authenticationMode: "API_AND_CONFIG_MAP", nodeRoles, awsAuth: initialAwsAuth },
  { name: "analytics", creatorArn, authenticationMode: "API", nodeRoles, awsAuth: null },
] as const;

export const modeClustersText = modeClusters
  .map(
    ({ name }) => `  ${name}:
    eksName: ${name}
    labels: { env: ${name === "checkout" ? "production" : "staging"} }
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
