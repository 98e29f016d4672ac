import { z } from "zod";

/** Who CloudTrail says has created a cluster. */
export interface CreationRecord {
  readonly eventId: string;
  /** ISO 8601. */
  readonly at: string;
  /** `userIdentity.type`: AssumedRole, IAMUser, FederatedUser, Root, AWSAccount or AWSService. */
  readonly kind: string;
  /** The IAM role or user that the API server lets in; null where nobody can be named. */
  readonly arn: string | null;
  /** The service that called, for example cloudformation.amazonaws.com. */
  readonly invokedBy: string | null;
}

const identity = z.object({
  type: z.string().optional(),
  arn: z.string().optional(),
  invokedBy: z.string().optional(),
  sessionContext: z.object({ sessionIssuer: z.object({ arn: z.string().optional() }).optional() }).optional(),
});
type UserIdentity = z.infer<typeof identity>;

const schema = z.object({
  eventID: z.string(),
  eventTime: z.string(),
  eventSource: z.string(),
  errorCode: z.string().optional(),
  userIdentity: identity,
  responseElements: z.object({ cluster: z.object({ arn: z.string().optional() }).optional() }).nullish(),
});

/** A cluster whose creation is looked for. Without `createdAt` the newest creation of its ARN counts. */
export interface CreatedCluster {
  readonly arn: string;
  readonly createdAt: Date | null;
}

/** How far the creation time of the cluster and the one of its record may lie apart, in milliseconds. */
export const recordWithinMs = 5 * 60_000;

/**
 * Reads the JSON of one CloudTrail event; null where it is not the successful creation of this very EKS cluster.
 * `CreateCluster` also names ECS, Redshift, DAX and MemoryDB, and a cluster's name is used again after it was deleted:
 * `createdAt` tells the one that exists now. Source: CloudTrail User Guide, "userIdentity element".
 */
export function readCreationRecord(json: string, cluster: CreatedCluster): CreationRecord | null {
  const event = schema.safeParse(parse(json));
  if (!event.success || event.data.eventSource !== "eks.amazonaws.com" || event.data.errorCode) return null;
  const { eventID, eventTime, userIdentity, responseElements } = event.data;
  if (responseElements?.cluster?.arn !== cluster.arn) return null;
  const apart = cluster.createdAt ? Math.abs(Date.parse(eventTime) - cluster.createdAt.getTime()) : 0;
  if (apart > recordWithinMs) return null;
  const { type = "unknown", invokedBy = null } = userIdentity;
  return { eventId: eventID, at: eventTime, kind: type, arn: creatorOf(type, userIdentity), invokedBy };
}

/** A session of a role or of a federated user belongs to its issuer; a service or another account names nobody. */
function creatorOf(type: string, { arn, sessionContext }: UserIdentity): string | null {
  if (type === "IAMUser" || type === "Root") return arn ?? null;
  if (type === "AssumedRole" || type === "FederatedUser") return sessionContext?.sessionIssuer?.arn ?? null;
  return null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
