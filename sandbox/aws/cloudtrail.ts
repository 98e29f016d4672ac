import type { CloudTrailEvent, EksCluster } from "./eks-cluster.ts";
import type { Caller, Identity } from "./identities.ts";
import type { JsonHandlers } from "./json-service.ts";
import { pageOf, refuse } from "./refusal.ts";

const pageSize = 50;

export type CloudTrail = ReturnType<typeof createCloudTrail>;

const historyMs = 90 * 24 * 3600 * 1000;

export function createCloudTrail(now: () => Date) {
  const events: CloudTrailEvent[] = [];
  return {
    events: events as readonly CloudTrailEvent[],
    record: (event: CloudTrailEvent) => {
      if (event.at > now()) throw new Error("CloudTrail can't know of the future");
      events.push(event);
    },
  };
}

/** Answers as documented (CloudTrail API Reference, LookupEvents): 90 days, one region, one attribute, newest first, 50 a page. */
export function cloudTrailCalls(trail: CloudTrail, now: () => Date): JsonHandlers {
  return {
    "cloudtrail.LookupEvents": ({ caller, region, body }) => {
      return page(trail, { region, account: caller.identity.accountId }, readLookup(body as LookupBody), now());
    },
  };
}

type Place = { account: string; region: string };

function page(trail: CloudTrail, place: Place, lookup: ReturnType<typeof readLookup>, now: Date): object {
  const { offset, max, until } = lookup;
  const from = Math.max(lookup.from, now.getTime() - historyMs);
  // Newest first, also within a millisecond.
  const found = trail.events
    .toReversed()
    .filter((event) => event.region === place.region && event.record.recipientAccountId === place.account)
    .filter((event) => event.at.getTime() >= from && event.at.getTime() <= until)
    .filter(({ name }) => lookup.name === undefined || name === lookup.name)
    .sort((a, b) => b.at.getTime() - a.at.getTime());
  const { items, nextToken } = pageOf(found, offset, max);
  return { Events: items.map(eventMember), NextToken: nextToken };
}

function eventMember(event: CloudTrailEvent): object {
  return {
    EventId: event.id,
    EventName: event.name,
    ReadOnly: String(event.readOnly),
    EventTime: event.at.getTime() / 1000,
    EventSource: event.source,
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify(event.record),
  };
}

interface LookupBody {
  LookupAttributes?: { AttributeKey: string; AttributeValue: string }[];
  StartTime?: number;
  EndTime?: number;
  MaxResults?: number;
  NextToken?: string;
}

/** Times in milliseconds since the epoch, and the name of the events; undefined: of every event. */
function readLookup(asked: LookupBody) {
  const {
    LookupAttributes = [],
    StartTime = 0,
    EndTime = Number.POSITIVE_INFINITY,
    MaxResults: max = pageSize,
    NextToken = "0",
  } = asked;
  const [attribute] = LookupAttributes;
  // AWS has six more attributes.
  if (LookupAttributes.length > 1 || (attribute && attribute.AttributeKey !== "EventName")) {
    refuse("InvalidLookupAttributesException", "Give one lookup attribute, and one that exists.");
  }
  if (max < 1 || max > pageSize) {
    refuse("InvalidMaxResultsException", `The max results value ${max} is not between 1 and ${pageSize}.`);
  }
  if (StartTime > EndTime) refuse("InvalidTimeRangeException", "The start time is after the end time.");
  if (!/^\d+$/.test(NextToken)) refuse("InvalidNextTokenException", "The next token is invalid.");
  const [from, until] = [StartTime * 1000, EndTime * 1000];
  return { name: attribute?.AttributeValue, from, until, offset: Number(NextToken), max };
}

/** A caller as CloudTrail records it (CloudTrail User Guide, "userIdentity element"). */
export type UserIdentity = Readonly<Record<string, unknown>>;

export interface RecordChange {
  errorCode?: string;
  errorMessage?: string;
  /** Older records call the cluster `clusterName`. */
  olderParameters?: boolean;
}

type CreatedCluster = Pick<EksCluster, "name" | "arn" | "region" | "creatorArn" | "createdAt">;

export function createClusterEvent(
  cluster: CreatedCluster,
  creator: Identity | undefined,
  recordedAs?: UserIdentity,
  change: RecordChange = {},
): CloudTrailEvent {
  const account = cluster.arn.split(":")[4] ?? "";
  const failed = change.errorCode !== undefined;
  const name = change.olderParameters ? { clusterName: cluster.name } : { name: cluster.name };
  return eventOf({
    name: "CreateCluster",
    source: "eks.amazonaws.com",
    region: cluster.region,
    at: cluster.createdAt,
    account,
    userIdentity: recordedAs ?? creatorElement(cluster, creator),
    request: { ...name, roleArn: `arn:aws:iam::${account}:role/eks-cluster-role`, version: "1.33" },
    response: failed ? null : { cluster: clusterElement(cluster) },
    resources: [{ type: "AWS::EKS::Cluster", name: cluster.name }],
    change,
  });
}

interface EventParts
  extends Pick<CloudTrailEvent, "name" | "source" | "region" | "at" | "resources">,
    Partial<Pick<CloudTrailEvent, "readOnly">> {
  account: string;
  userIdentity: UserIdentity;
  request: object;
  response: object | null;
  change: RecordChange;
  /** Random if the sandbox has no such call. */
  requestId?: string;
}

export function eventOf(parts: EventParts): CloudTrailEvent {
  const { name, source, region, at, resources, readOnly = false, requestId = crypto.randomUUID() } = parts;
  const id = crypto.randomUUID();
  const { errorCode, errorMessage } = parts.change;
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
  return { id, name, source, region, at, readOnly, resources, record };
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

function creatorElement({ creatorArn, createdAt }: CreatedCluster, creator: Identity | undefined): UserIdentity {
  const [, , , , accountId = ""] = creatorArn.split(":");
  const userName = creatorArn.split("/").at(-1) ?? "";
  const principalId = creator?.id ?? "AROAEXAMPLEEXAMPLEEXA";
  const own = { principalId, arn: creatorArn, accountId, userName };
  const accessKeyId = "ASIAEXAMPLEEXAMPLEEX";
  if (creator?.kind === "user") return { type: "IAMUser", ...own, accessKeyId };
  const attributes = { creationDate: createdAt.toISOString(), mfaAuthenticated: "false" };
  return {
    ...{ type: "AssumedRole", principalId: `${principalId}:terraform`, accountId, accessKeyId },
    arn: `arn:aws:sts::${accountId}:assumed-role/${userName}/terraform`,
    sessionContext: { sessionIssuer: { type: "Role", ...own }, attributes },
  };
}

/** The element userIdentity of a record, of a caller (CloudTrail User Guide, "userIdentity element"). */
export function callerElement({ identity, session, userId, arn, accessKeyId }: Caller): UserIdentity {
  const { accountId, name: userName } = identity;
  const issuer = { type: "Role", principalId: identity.id, arn: identity.arn, accountId, userName };
  const caller = { principalId: userId, arn, accountId, accessKeyId };
  return session
    ? { type: "AssumedRole", ...caller, sessionContext: { sessionIssuer: issuer } }
    : { type: "IAMUser", ...caller, userName };
}
