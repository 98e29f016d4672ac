import type { EksCluster } from "./eks.ts";
import type { Identity } from "./identities.ts";

/** One management event as CloudTrail keeps it. `record` is what the member CloudTrailEvent holds as a JSON string. */
export interface CloudTrailEvent {
  id: string;
  name: string;
  source: string;
  region: string;
  at: Date;
  username?: string;
  readOnly: boolean;
  resources: readonly { type: string; name: string }[];
  record: Readonly<Record<string, unknown>>;
}

/** Who CloudTrail says has created a cluster (CloudTrail User Guide, "userIdentity element"). */
export type CreatorRecord =
  | "IAMUser"
  | "AssumedRole"
  | "FederatedUser"
  | "Root"
  | "AWSAccount"
  | "AWSService"
  /** A role that CloudFormation used on somebody's behalf: `invokedBy` beside the session. */
  | "InvokedByService";

/** What is different in a record from the plain success of a new cluster. */
export interface RecordChange {
  errorCode?: string;
  errorMessage?: string;
  /** Older records call the cluster `clusterName`. */
  olderParameters?: boolean;
}

/** The record of CreateCluster that EKS writes. */
export function createClusterEvent(
  cluster: EksCluster,
  creator: Identity | undefined,
  recordedAs?: CreatorRecord,
  change: RecordChange = {},
): CloudTrailEvent {
  const kind = recordedAs ?? (creator?.kind === "user" ? "IAMUser" : "AssumedRole");
  const account = cluster.arn.split(":")[4] ?? "";
  const failed = change.errorCode !== undefined;
  const name = change.olderParameters ? { clusterName: cluster.name } : { name: cluster.name };
  return eventOf({
    name: "CreateCluster",
    source: "eks.amazonaws.com",
    region: cluster.region,
    at: cluster.createdAt,
    account,
    userIdentity: userIdentity(kind, cluster.creatorArn, creator, cluster.createdAt),
    request: { ...name, roleArn: `arn:aws:iam::${account}:role/eks-cluster-role`, version: "1.33" },
    response: failed ? null : { cluster: clusterElement(cluster) },
    resources: [{ type: "AWS::EKS::Cluster", name: cluster.name }],
    change,
  });
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

interface EventParts {
  name: string;
  source: string;
  region: string;
  at: Date;
  account: string;
  userIdentity: Readonly<Record<string, unknown>>;
  request: object;
  response: object | null;
  resources: CloudTrailEvent["resources"];
  change: RecordChange;
  readOnly?: boolean;
}

/** Puts one event together. Also for calls of other services that the sandbox records. */
export function eventOf(parts: EventParts): CloudTrailEvent {
  const { name, source, region, at, resources, readOnly = false } = parts;
  const id = crypto.randomUUID();
  const { errorCode, errorMessage } = parts.change;
  const username = usernameOf(parts.userIdentity);
  const record = {
    eventVersion: "1.11",
    userIdentity: parts.userIdentity,
    eventTime: at.toISOString().replace(/\.\d{3}Z$/, "Z"),
    eventSource: source,
    eventName: name,
    awsRegion: region,
    sourceIPAddress: "192.0.2.10",
    userAgent: "aws-cli/2.31.0 md/awscrt#0.27.6",
    ...(errorCode === undefined ? {} : { errorCode, errorMessage: errorMessage ?? errorCode }),
    requestParameters: parts.request,
    responseElements: parts.response,
    requestID: crypto.randomUUID(),
    eventID: id,
    readOnly,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: parts.account,
    eventCategory: "Management",
  };
  return { id, name, source, region, at, readOnly, resources, record, ...(username === undefined ? {} : { username }) };
}

function clusterElement(cluster: EksCluster): object {
  return {
    name: cluster.name,
    arn: cluster.arn,
    status: "CREATING",
    createdAt: cluster.createdAt.getTime() / 1000,
    version: "1.33",
  };
}

function usernameOf(identity: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof identity.userName === "string") return identity.userName;
  return typeof identity.arn === "string" ? identity.arn.split("/").at(-1) : undefined;
}

function userIdentity(
  kind: CreatorRecord,
  creatorArn: string,
  creator: Identity | undefined,
  at: Date,
): Record<string, unknown> {
  const accountId = creatorArn.split(":")[4] ?? "";
  const name = creatorArn.split("/").at(-1) ?? "";
  const principalId = creator?.id ?? "AROAEXAMPLEEXAMPLEEX";
  const who = { accountId, accessKeyId: "ASIAEXAMPLEEXAMPLEEX" };
  const attributes = { creationDate: at.toISOString(), mfaAuthenticated: "false" };
  const issuer = { type: "Role", principalId, arn: creatorArn, accountId, userName: name };
  const session = `arn:aws:sts::${accountId}:assumed-role/${name}/terraform`;
  switch (kind) {
    case "IAMUser":
      return { type: "IAMUser", principalId, arn: creatorArn, ...who, userName: name };
    case "AssumedRole":
      return {
        type: kind,
        principalId: `${principalId}:terraform`,
        arn: session,
        ...who,
        sessionContext: { sessionIssuer: issuer, attributes },
      };
    case "InvokedByService":
      return { ...userIdentity("AssumedRole", creatorArn, creator, at), invokedBy: "cloudformation.amazonaws.com" };
    case "FederatedUser": {
      const arn = `arn:aws:sts::${accountId}:federated-user/${name}`;
      const user = { type: "IAMUser", principalId, arn: creatorArn, accountId, userName: name };
      return {
        type: kind,
        principalId: `${accountId}:${name}`,
        arn,
        ...who,
        sessionContext: { sessionIssuer: user, attributes },
      };
    }
    case "Root":
      return { type: "Root", principalId: accountId, arn: `arn:aws:iam::${accountId}:root`, accountId };
    case "AWSAccount":
      return { type: "AWSAccount", principalId: `${principalId}:somebody`, accountId };
    case "AWSService":
      return { type: "AWSService", invokedBy: "cloudformation.amazonaws.com" };
  }
}
