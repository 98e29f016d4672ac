import type { Identity } from "./identities.ts";

/** Who CloudTrail says has created a cluster (CloudTrail User Guide, "userIdentity element"). */
export type CreatorRecord =
  | "IAMUser"
  | "AssumedRole"
  | "FederatedUser"
  | "Root"
  | "AWSAccount"
  | "AWSService"
  | "SAMLUser"
  | "WebIdentityUser"
  | "IdentityCenterUser"
  | "Directory"
  | "Unknown"
  /** A role that CloudFormation used for a caller: `invokedBy` beside the session. */
  | "InvokedByService";

/** The name that LookupEvents finds an event by: of the user, or of the session. */
export function usernameOf(identity: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof identity.userName === "string") return identity.userName;
  return typeof identity.arn === "string" ? identity.arn.split("/").at(-1) : undefined;
}

interface Recorded {
  accountId: string;
  name: string;
  principalId: string;
  creatorArn: string;
  at: Date;
}

/** The element userIdentity of a record, for a creator of the given kind. */
export function userIdentity(
  kind: CreatorRecord,
  creatorArn: string,
  creator: Identity | undefined,
  at: Date,
): Readonly<Record<string, unknown>> {
  const accountId = creatorArn.split(":")[4] ?? "";
  const name = creatorArn.split("/").at(-1) ?? "";
  return shapes[kind]({ accountId, name, principalId: creator?.id ?? "AROAEXAMPLEEXAMPLEEXA", creatorArn, at });
}

const accessKeyId = "ASIAEXAMPLEEXAMPLEEX";

const shapes: Readonly<Record<CreatorRecord, (who: Recorded) => Readonly<Record<string, unknown>>>> = {
  IAMUser: (who) => ({ ...issuer("IAMUser", who), accessKeyId }),
  AssumedRole: assumedRole,
  InvokedByService: (who) => ({ ...assumedRole(who), invokedBy: "cloudformation.amazonaws.com" }),
  FederatedUser: (who) => ({
    type: "FederatedUser",
    principalId: `${who.accountId}:${who.name}`,
    arn: `arn:aws:sts::${who.accountId}:federated-user/${who.name}`,
    accountId: who.accountId,
    accessKeyId,
    sessionContext: { sessionIssuer: issuer("IAMUser", who), attributes: attributes(who) },
  }),
  Root: ({ accountId }) => ({ type: "Root", principalId: accountId, arn: `arn:aws:iam::${accountId}:root`, accountId }),
  AWSAccount: ({ accountId, principalId }) => ({
    type: "AWSAccount",
    principalId: `${principalId}:somebody`,
    accountId,
  }),
  SAMLUser: () => ({
    type: "SAMLUser",
    principalId: "SampleUniqueQualifier:somebody",
    userName: "somebody",
    identityProvider: "SampleNameQualifier",
  }),
  WebIdentityUser: () => ({
    type: "WebIdentityUser",
    principalId: "accounts.google.com:application-id:somebody",
    userName: "somebody",
    identityProvider: "accounts.google.com",
  }),
  IdentityCenterUser: ({ accountId }) => ({
    type: "IdentityCenterUser",
    accountId,
    onBehalfOf: {
      userId: "544894e8-80c1-707f-60e3-3ba6510dfac1",
      identityStoreArn: `arn:aws:identitystore::${accountId}:identitystore/d-9067642ac7`,
    },
    credentialId: "EXAMPLEVHULjJdTUdPJfofVa1sufHDoj7aYcOYcxFVllWR_Whr1fEXAMPLE",
  }),
  Directory: ({ accountId }) => ({ type: "Directory", principalId: "d-9067642ac7:somebody", accountId }),
  Unknown: () => ({ type: "Unknown", principalId: "" }),
  AWSService: () => ({ type: "AWSService", invokedBy: "cloudformation.amazonaws.com" }),
};

function assumedRole(who: Recorded): Readonly<Record<string, unknown>> {
  return {
    type: "AssumedRole",
    principalId: `${who.principalId}:terraform`,
    arn: `arn:aws:sts::${who.accountId}:assumed-role/${who.name}/terraform`,
    accountId: who.accountId,
    accessKeyId,
    sessionContext: { sessionIssuer: issuer("Role", who), attributes: attributes(who) },
  };
}

function issuer(type: "Role" | "IAMUser", { principalId, creatorArn, accountId, name }: Recorded): object {
  return { type, principalId, arn: creatorArn, accountId, userName: name };
}

function attributes({ at }: Recorded): object {
  return { creationDate: at.toISOString(), mfaAuthenticated: "false" };
}
