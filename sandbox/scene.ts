import type { SandboxAws } from "./aws/account.ts";

/** The sandbox at its start: one account, one cluster, four people. */
export const account = "111122223333";
export const region = "eu-central-1";
export const clusterName = "staging";
export const externalId = "eks-access-sandbox";
export const channel = "C0ACCESS";

/** The app's scopes: those of manifest.yml. */
export const botScopes = ["commands", "chat:write", "usergroups:read", "users:read", "users:read.email"] as const;

const iam = (rest: string) => `arn:aws:iam::${account}:${rest}`;

export const arns = {
  worker: iam("role/eks-access-worker"),
  creator: iam("role/cluster-creator"),
  node: iam("role/eks-node"),
  admins: iam("role/platform-admins"),
  engineer: iam("user/engineer"),
  developers: iam("role/developers"),
  onCall: iam("user/on-call"),
  identityReader: iam("role/identity-reader"),
} as const;

export const clusterArn = (name: string) => `arn:aws:eks:${region}:${account}:cluster/${name}`;

/** Each person's principal in AWS. The approvers are of the platform team, which the document has already. */
export const principals: Readonly<Record<string, string>> = {
  U0ENGINEER: arns.engineer,
  U0APPROVER: arns.admins,
  U0APPROVER2: arns.admins,
  U0ONCALL: arns.onCall,
};

/** A document like real ones: with comments, both styles of lists, and different quoting. */
export const initialAwsAuth: Readonly<Record<string, string>> = {
  mapRoles: `# The nodes join with this role. Without it they are NotReady within minutes.
- rolearn: ${arns.node}
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
# The platform team
- rolearn: "${arns.admins}"
  username: platform-admin:{{SessionName}}
  groups: [system:masters]
`,
};

export const configuration = `
clusters:
  ${clusterName}:
    eksName: ${clusterName}
    region: ${region}
    account: "${account}"
    creator:
      roleArn: ${arns.creator}
      externalId: ${externalId}
    channel: ${channel}
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer, admin]
    signIn:
      roles: [${arns.developers}]
      externalId: ${externalId}
levels:
  viewer:
    groups: [eks-access:viewers]
    maxDuration: 8h
    verify:
      - { verb: list, resource: pods, namespace: default }
  admin:
    groups: [eks-access:admins]
    maxDuration: 1h
    verify:
      - { verb: "*", resource: "*", group: "*" }
# Keeps the logs of tests and of the demo short.
audit: { copyToLog: false }
timing:
  requestExpiresAfter: 1h
  sweepEvery: 1s
  settleEntries: 2s
`;

/** An addition: IAM Identity Center identifies people before their links do. */
export const identitiesText = `
identities:
  - identityCenter:
      region: ${region}
      instanceArn: arn:aws:sso:::instance/ssoins-1234567890abcdef
      identityStoreId: d-1234567890
      roleArn: ${arns.identityReader}
      externalId: ${externalId}
  - links
`;

/** Two people of IAM Identity Center with one permission set: its role in the account has a suffix. */
export const alice = "alice@example.com";
export const carol = "carol@example.com";
const permissionSet = "Developer";
const suffix = "0123456789abcdef";
export const developerRole = `AWSReservedSSO_${permissionSet}_${suffix}`;

export const developerArn = (name: string) => `arn:aws:sts::${account}:assumed-role/${developerRole}/${name}`;

/** @param emails of Alice and Carol: the directory finds people of Slack by them @returns the ARN of their role */
export function addDevelopers(
  { identityCenter }: SandboxAws,
  emails: readonly [string, string] = [alice, carol],
): string {
  const users = [
    identityCenter.addUser({ userName: alice, email: emails[0] }),
    identityCenter.addUser({ userName: carol, email: emails[1] }),
  ];
  const set = identityCenter.addPermissionSet(permissionSet);
  return identityCenter.assign(set, account, identityCenter.addGroup("developers", users), suffix);
}

/** The sandbox's `eks-access.yml` with a level for one person, in the namespaces that they choose. */
export function withReader(configuration: string): string {
  return configuration.replace("levels: [viewer, admin]", "levels: [viewer, admin, reader]").replace(
    /^levels:\n/m,
    `levels:
  reader:
    bind: [{ clusterRole: view, in: choose }]
    maxDuration: 8h
    verify: [{ verb: list, resource: pods }]
`,
  );
}
