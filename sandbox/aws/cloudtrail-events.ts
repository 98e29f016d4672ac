import type { CloudTrailEvent, EksCluster } from "./eks-cluster.ts";
import type { Caller, Identity } from "./identities.ts";
import { type CreatorRecord, userIdentity, usernameOf } from "./user-identity.ts";

/** What is different in a record from the plain success of a new cluster. */
export interface RecordChange {
  errorCode?: string;
  errorMessage?: string;
  /** Older records call the cluster `clusterName`. */
  olderParameters?: boolean;
}

/** The parts of a creation's record about its cluster. */
type CreatedCluster = Pick<EksCluster, "name" | "arn" | "region" | "creatorArn" | "createdAt">;

/** The record of CreateCluster that EKS writes. */
export function createClusterEvent(
  cluster: CreatedCluster,
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
  /** As in the call's answer; made up where the sandbox has no such call. */
  requestId?: string;
}

/** Puts one event together. Also for calls of other services that the sandbox records. */
export function eventOf(parts: EventParts): CloudTrailEvent {
  const { name, source, region, at, resources, readOnly = false, requestId = crypto.randomUUID() } = parts;
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
    requestID: requestId,
    eventID: id,
    readOnly,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: parts.account,
    eventCategory: "Management",
  };
  return { id, name, source, region, at, readOnly, resources, record, ...(username === undefined ? {} : { username }) };
}

function clusterElement(cluster: CreatedCluster): object {
  return {
    name: cluster.name,
    arn: cluster.arn,
    status: "CREATING",
    createdAt: cluster.createdAt.getTime() / 1000,
    version: "1.33",
  };
}

/** The element userIdentity of a record, of a caller (CloudTrail User Guide, "userIdentity element"). */
export function callerElement({
  identity,
  session,
  userId,
  arn,
  accessKeyId,
}: Caller): Readonly<Record<string, unknown>> {
  const { accountId, name: userName } = identity;
  const issuer = { type: "Role", principalId: identity.id, arn: identity.arn, accountId, userName };
  const caller = { principalId: userId, arn, accountId, accessKeyId };
  return session
    ? { type: "AssumedRole", ...caller, sessionContext: { sessionIssuer: issuer } }
    : { type: "IAMUser", ...caller, userName };
}
