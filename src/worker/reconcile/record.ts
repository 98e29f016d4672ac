import type { AuditEvent, EventType } from "../../access/audit/event.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

type Detail = AuditEvent["detail"];

/**
 * Where somebody changed the record meanwhile, the next run sees what they did: it is woken by their change.
 *
 * @param type null: no event tells of it, as `recordChange` has it
 */
export async function recordOutcome(
  context: WorkerContext,
  after: AccessRequest,
  type: EventType | null,
  detail: Detail,
): Promise<void> {
  const now = context.now();
  const event = type && eventOf(type, after, "worker", now, { ...idsElsewhere(context), ...detail });
  const result = await recordChange(context, after, event, now);
  if (result.type === "conflict") context.log.info({ request: after.id, event: type }, "the record changed meanwhile");
}

/** Under which ids CloudTrail has what this run asked of AWS, and the cluster's own audit log its writes and the reviews of one proof. */
export function idsElsewhere({ awsRequests, auditIds }: WorkerContext, reviews: readonly string[] = []): Detail {
  const asked = awsRequests?.byCall() ?? {};
  const written = {
    ...auditIds?.byCall(),
    ...(reviews.length > 0 && { "POST subjectaccessreviews": reviews }),
  };
  return {
    ...(Object.keys(asked).length > 0 && { awsRequests: asked }),
    ...(Object.keys(written).length > 0 && { auditIds: written }),
  };
}
