import { isEndReviewPending, isReviewPending, isSignInPending } from "./lease/lease.ts";
import { type CodedReason, isPermanent, type Lease, type Trouble } from "./lease/lease-record.ts";
import { isFullControl } from "./policy/policy-text.ts";
import { isEverythingEverywhere } from "./policy/rights.ts";
import { noRequesterFacts } from "./policy/rule.ts";
import {
  type AccessRequest,
  type ApprovedRequest,
  type Decision,
  type DeniedRequest,
  type Emergency,
  emptyTypedFields,
  type PendingRequest,
  type RefusedRequest,
  type RequestFields,
  type TypedFields,
  type UndecidedRequest,
} from "./record.ts";

type NewRequest = Pick<
  AccessRequest,
  "id" | "requester" | "cluster" | "level" | "principal" | "groups" | "durationSeconds" | "extends"
> &
  Omit<TypedFields, keyof typeof emptyTypedFields> &
  Partial<TypedFields & Pick<AccessRequest, "askedBy" | "requesterFacts" | "until">>;

export function createRequest(requested: NewRequest, now: Date, expiresAfterSeconds: number): PendingRequest {
  return {
    askedBy: null,
    requesterFacts: noRequesterFacts,
    ...emptyTypedFields,
    until: null,
    ...requested,
    version: 1,
    state: "pending",
    createdAt: now.toISOString(),
    expiresAt: expiresAt(requested, now, expiresAfterSeconds),
    preview: null,
    reminders: null,
    approvals: [],
    dropped: [],
    approvalsWanted: 1,
    denial: null,
    emergency: null,
    lease: null,
    trouble: null,
    voided: null,
    refusal: null,
  };
}

/** A request with a fixed end can't be approved after it. */
function expiresAt({ until }: NewRequest, now: Date, expiresAfterSeconds: number): string {
  const usual = now.getTime() + expiresAfterSeconds * 1000;
  return new Date(until ? Math.min(usual, Date.parse(until)) : usual).toISOString();
}

/** Whether it makes a person an administrator of the whole cluster, by the names of its groups or by what RBAC binds to them. */
export function givesFullControl({ groups, preview }: Pick<AccessRequest, "groups" | "preview">): boolean {
  return isFullControl(groups) || (preview?.rights ?? []).some(isEverythingEverywhere);
}

export function isClosed(request: AccessRequest): boolean {
  if (request.state === "pending") return false;
  if (request.state !== "approved") return true;
  return request.lease.state === "ended" || request.lease.state === "failed";
}

export function isHeld(request: AccessRequest): request is ApprovedRequest {
  return request.state === "approved" && request.lease.state === "active" && !request.lease.end;
}

/** Whether a lease is over or ending, with nothing to extend. */
export function isLeaseOver(request: AccessRequest, now: Date): boolean {
  const { lease } = request;
  // A request that waits for new approvals has no lease yet.
  if (!lease) return true;
  return isClosed(request) || lease.end !== null || !(now.getTime() < Date.parse(lease.endsAt));
}

/** Milliseconds since the epoch; null: never. The sweep reads this index, so a lost wake-up does not matter. */
export function dueAt(request: AccessRequest): number | null {
  const work = isClosed(request) ? null : workDueAt(request);
  const { emergency } = request;
  // Emergency access is reported again until its review, also after its end.
  const review = emergency && !emergency.review ? Date.parse(emergency.remindAt) : null;
  const times = [work, proofDueAt(request), review].filter((time) => time !== null);
  return times.length > 0 ? Math.min(...times) : null;
}

/** When to complete a proof, in milliseconds since the epoch; null: never. Not before the request's own next try. */
export function proofDueAt({ lease, trouble }: AccessRequest): number | null {
  const signIn = lease?.signInDueAt && isSignInPending(lease) ? Date.parse(lease.signInDueAt) : null;
  const review = lease?.reviewTrouble && isReviewPending(lease) ? Date.parse(lease.reviewTrouble.retryAt) : null;
  const end = lease?.endProof?.trouble && isEndReviewPending(lease) ? Date.parse(lease.endProof.trouble.retryAt) : null;
  const times = [signIn, review, end].filter((time) => time !== null);
  return times.length > 0 ? Math.max(Math.min(...times), trouble ? Date.parse(trouble.retryAt) : 0) : null;
}

function workDueAt(request: AccessRequest): number | null {
  const retryAt = request.trouble ? Date.parse(request.trouble.retryAt) : null;
  if (request.state === "pending") {
    const expiresAt = Date.parse(request.expiresAt);
    if (request.preview) {
      const { nextAt = null } = request.reminders ?? {};
      return nextAt === null ? expiresAt : Math.min(Date.parse(nextAt), expiresAt);
    }
    return Math.min(retryAt ?? Date.parse(request.createdAt), expiresAt);
  }
  const { lease } = request;
  if (!lease) return null;
  if (lease.state !== "active" || lease.end) return retryAt ?? 0;
  if (retryAt !== null) return retryAt;
  const endsAt = Date.parse(lease.endsAt);
  return lease.warnAt && !lease.warnedAt ? Math.min(Date.parse(lease.warnAt), endsAt) : endsAt;
}

/** The level of a rescue: an access entry with the cluster administrator's policy. */
export const rescueLevel = "rescue";

/** Whether a request is a rescue: it never touches aws-auth. */
export function isRescue({ level, emergency }: Pick<AccessRequest, "level" | "emergency">): boolean {
  return level === rescueLevel && emergency !== null;
}

export function isExtendable(request: Pick<AccessRequest, "level" | "emergency" | "durationSeconds">): boolean {
  return !isPermanent(request.durationSeconds) && !isRescue(request);
}

type Change = Partial<Omit<RequestFields, "id" | "version">>;

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

export function approvedRequest(request: PendingRequest, lease: Lease): ApprovedRequest {
  return { ...request, state: "approved", lease };
}

export function deniedRequest(request: PendingRequest, denial: Decision): DeniedRequest {
  return { ...next(request, { trouble: null }), state: "denied", denial };
}

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

export function withEmergency(request: ApprovedRequest, emergency: Emergency): ApprovedRequest {
  return { ...next(request), emergency };
}

function voidedBy({ approvals }: AccessRequest, message: string): NonNullable<RequestFields["voided"]> {
  return { by: approvals.map(({ by }) => by), message };
}
