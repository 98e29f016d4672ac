import type { AccessRequest } from "./record.ts";
import { revise } from "./request.ts";

/** Why a preview does not count any more. A clause. */
export const leasesDiffer = "the other leases of the principal are not the ones that the approver saw";

/** The record once its preview shows no more what would be written: the worker looks again, and what was approved is void. */
export function withoutPreview(request: AccessRequest, message: string): AccessRequest {
  const by = request.approvals.map((approval) => approval.by);
  const voided = by.length > 0 ? { by, message } : request.voided;
  return revise(request, { preview: null, reminders: null, approvals: [], voided });
}
