import { z } from "zod";

/** Who CloudTrail says has created a cluster. */
export interface CreationRecord {
  readonly eventId: string;
  /** ISO 8601. */
  readonly at: string;
  /** `userIdentity.type`, for example AssumedRole; `Service` where an AWS service called for somebody. */
  readonly kind: string;
  /** The IAM role or user that the API server lets in; null where nobody can be named. */
  readonly arn: string | null;
  /** The service that called, for example cloudformation.amazonaws.com. */
  readonly invokedBy: string | null;
}

const schema = z.object({
  eventID: z.string(),
  eventTime: z.string(),
  eventSource: z.string(),
  errorCode: z.string().optional(),
  userIdentity: z.object({
    type: z.string().optional(),
    arn: z.string().optional(),
    invokedBy: z.string().optional(),
    sessionContext: z.object({ sessionIssuer: z.object({ arn: z.string().optional() }).optional() }).optional(),
  }),
  responseElements: z
    .object({ cluster: z.object({ arn: z.string().optional(), createdAt: z.unknown().optional() }).optional() })
    .nullish(),
});

/** How far the creation time of the cluster and the one of its record may lie apart, in milliseconds. */
const slackMs = 5 * 60_000;

/**
 * Reads the JSON of one CloudTrail event; null where it is not the successful creation of this very EKS cluster.
 * `CreateCluster` also names ECS, Redshift, DAX and MemoryDB, and a cluster's name is used again after it was deleted:
 * `createdAt` tells the one that exists now. Source: CloudTrail User Guide, "userIdentity element".
 */
export function readCreationRecord(
  json: string,
  cluster: { readonly arn: string; readonly createdAt: Date | null },
): CreationRecord | null {
  const event = schema.safeParse(parse(json));
  if (!event.success || event.data.eventSource !== "eks.amazonaws.com" || event.data.errorCode) return null;
  const { eventID, eventTime, userIdentity, responseElements } = event.data;
  if (responseElements?.cluster?.arn !== cluster.arn) return null;
  const apart = cluster.createdAt ? Math.abs(Date.parse(eventTime) - cluster.createdAt.getTime()) : 0;
  if (apart > slackMs) return null;
  const { type = "unknown", arn, invokedBy = null, sessionContext } = userIdentity;
  const issuer = sessionContext?.sessionIssuer?.arn;
  const creators: Readonly<Record<string, string | undefined>> = {
    IAMUser: arn,
    AssumedRole: issuer,
    FederatedUser: issuer,
    Root: arn,
  };
  return { eventId: eventID, at: eventTime, kind: type, arn: creators[type] ?? null, invokedBy };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
