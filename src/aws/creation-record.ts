import { z } from "zod";
import { type CreationRecord, isOfCluster } from "../access/policy/creation.ts";
import { fromAssumedRole } from "../aws-auth/index.ts";

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
  const { type = "unknown", invokedBy = null } = userIdentity;
  const record = { eventId: eventID, at: eventTime, kind: type, arn: namedBy(type, userIdentity), invokedBy };
  return isOfCluster(record, cluster.createdAt) ? record : null;
}

/** A session of a role or of a federated user belongs to its issuer; a service or another account names nobody. */
function namedBy(type: string, { arn, sessionContext }: UserIdentity): string | null {
  if (type === "IAMUser" || type === "Root" || type === "Role") return arn ?? null;
  const issuer = sessionContext?.sessionIssuer?.arn ?? null;
  if (type === "AssumedRole") return issuer ?? fromAssumedRole(arn ?? "");
  return type === "FederatedUser" ? issuer : null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
