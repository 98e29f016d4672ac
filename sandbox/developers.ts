import type { SandboxAws } from "./aws/account.ts";
import { account } from "./scene.ts";

/** Two people of IAM Identity Center with one permission set: its role in the account has a suffix. */
export const alice = "alice@example.com";
export const carol = "carol@example.com";
const permissionSet = "Developer";
const suffix = "0123456789abcdef";
export const developerRole = `AWSReservedSSO_${permissionSet}_${suffix}`;

export const developerArn = (name: string) => `arn:aws:sts::${account}:assumed-role/${developerRole}/${name}`;

/** @param emails of Alice and Carol, by which the directory finds people of Slack @returns the ARN of their role */
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
