import { eventOf } from "../../../sandbox/aws/cloudtrail.ts";
import type { CloudTrailEvent } from "../../../sandbox/aws/eks-cluster.ts";

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

interface Recorded {
  accountId: string;
  name: string;
  principalId: string;
  creatorArn: string;
  at: Date;
}

/** The element userIdentity of a record, for a creator of the given kind. */
export function recordOf(
  kind: CreatorRecord,
  creatorArn: string,
  at: Date = new Date(),
): Readonly<Record<string, unknown>> {
  const accountId = creatorArn.split(":")[4] ?? "";
  const name = creatorArn.split("/").at(-1) ?? "";
  return shapes[kind]({ accountId, name, principalId: "AROAEXAMPLEEXAMPLEEXA", creatorArn, at });
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

/** A CreateCluster of another service, which the same attribute finds: ECS, Redshift, DAX and MemoryDB have one too. */
export function foreignCreateCluster(
  service: "ecs" | "redshift" | "dax" | "memorydb",
  name: string,
  region: string,
  account: string,
  at: Date,
): CloudTrailEvent {
  const arn = `arn:aws:iam::${account}:user/somebody-else`;
  return eventOf({
    name: "CreateCluster",
    source: `${service}.amazonaws.com`,
    region,
    at,
    account,
    userIdentity: { type: "IAMUser", principalId: "AIDAEXAMPLE", arn, accountId: account, userName: "somebody-else" },
    request: { clusterName: name },
    response: {
      cluster: {
        clusterName: name,
        clusterArn: `arn:aws:${service}:${region}:${account}:cluster/${name}`,
        status: "ACTIVE",
      },
    },
    resources: [{ type: `AWS::${service.toUpperCase()}::Cluster`, name }],
    change: {},
  });
}
