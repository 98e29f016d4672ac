import type { Lease } from "../lease/lease-record.ts";
import type { CodedReason, Trouble } from "../lease/proof-record.ts";
import type {
  AccessRequest,
  ApprovedRequest,
  Decision,
  DeniedRequest,
  Emergency,
  PendingRequest,
  RefusedRequest,
  RequestFields,
  UndecidedRequest,
} from "./record.ts";

type Change = Partial<Omit<RequestFields, "id" | "version">>;

/** The next version of a record in the same state. */
function next<Request extends AccessRequest>(request: Request, change: Change = {}): Request {
  return { ...request, ...change, version: request.version + 1 };
}

/** The same without a change, for an event with a detail. */
export function nextVersion<Request extends AccessRequest>(request: Request): Request {
  return next(request);
}

/** The next version with a failure and its next try; null: it can be tried now. */
export function withTrouble<Request extends AccessRequest>(request: Request, trouble: Trouble | null): Request {
  return next(request, { trouble });
}

/** The worker has looked: approvers can decide now. */
export function previewedRequest(
  request: PendingRequest,
  seen: Required<Pick<Change, "preview" | "approvalsWanted" | "reminders">>,
): PendingRequest {
  return next(request, { ...seen, trouble: null });
}

/** The preview no longer shows the present change: the worker looks again, and no approval counts. */
export function unpreviewedRequest(
  request: PendingRequest,
  change: Pick<Change, "requesterFacts" | "voided"> = {},
): PendingRequest {
  return next(request, { ...change, preview: null, reminders: null, approvals: [] });
}

/** Why a preview no longer counts: a clause. */
export const otherLeasesChanged = "the principal's other leases changed since the approver saw them";

/** The same, with the reason why the approvals became void. */
export function outdatedRequest(request: PendingRequest, message: string): PendingRequest {
  return unpreviewedRequest(request, request.approvals.length > 0 ? { voided: voidedBy(request, message) } : {});
}

/** After a reminder, or after an approval or its removal. */
export function pendingRequest(
  request: PendingRequest,
  change: Pick<Change, "reminders" | "approvals" | "dropped" | "approvalsWanted" | "trouble" | "voided">,
): PendingRequest {
  return next(request, change);
}

/** Enough approvers agree: the lease begins. */
export function approvedRequest(request: PendingRequest, lease: Lease): ApprovedRequest {
  return { ...request, state: "approved", lease };
}

export function deniedRequest(request: PendingRequest, denial: Decision): DeniedRequest {
  return { ...next(request, { trouble: null }), state: "denied", denial };
}

/** Cancelled by the requester, or not decided in time. */
export function undecidedRequest(request: PendingRequest, state: UndecidedRequest["state"]): UndecidedRequest {
  return { ...next(request, { trouble: null }), state };
}

export function refusedRequest(request: PendingRequest, { code, message }: CodedReason): RefusedRequest {
  return { ...next(request, { trouble: null }), state: "refused", refusal: { code, message } };
}

/** The approvals do not cover the present change: the worker looks again, and the approvers decide again. */
export function voidedRequest(request: ApprovedRequest, message: string): PendingRequest {
  const cleared = { preview: null, reminders: null, approvals: [], trouble: null, voided: voidedBy(request, message) };
  return { ...next(request, cleared), state: "pending", lease: null, emergency: null };
}

/** The next version of its lease. @param trouble of the request; by default it stays */
export function withLease(
  request: ApprovedRequest,
  lease: Lease,
  trouble: Trouble | null = request.trouble,
): ApprovedRequest {
  return { ...next(request, { trouble }), lease };
}

/** The emergency was reviewed, or its reminder was sent. */
export function withEmergency(request: ApprovedRequest, emergency: Emergency): ApprovedRequest {
  return { ...next(request), emergency };
}

function voidedBy({ approvals }: AccessRequest, message: string): NonNullable<RequestFields["voided"]> {
  return { by: approvals.map(({ by }) => by), message };
}
