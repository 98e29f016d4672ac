import { AccessError, isBlocking } from "../../access/access-error.ts";
import type { AuditEvent, EventType } from "../../access/audit-event.ts";
import { isDueToEnd, sealedEnd } from "../../access/lease/cluster-leases.ts";
import { decideFailure } from "../../access/lease/decide-lease.ts";
import { readBackDiffers } from "../../access/lease/drift.ts";
import { sealWritten } from "../../access/lease/holding.ts";
import { activeLease, endedLease, failedLease, isEndedForMore } from "../../access/lease/lease.ts";
import type { CodedReason, Holding, Lease, MappedIdentity, Proof } from "../../access/lease/lease-record.ts";
import { sealedClusterOf, type Way } from "../../access/policy/cluster.ts";
import { admittedBy, admittedInWords } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { isClosed, voidedRequest, withLease } from "../../access/request.ts";
import { type Failure, failureOf, needsEvent, nextEndTry, nextTry, waitsForRepair } from "../../access/retry.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { calledFor, hasWrites } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../due-change.ts";
import { type Proved, type ProvedEnd, withProof } from "./prove.ts";
import type { WayRun } from "./way-adapter.ts";

/** Records a lease as active only with its proof (law 5). An unmapped one gets another try. @param holding our part of the entry now */
export async function recordActive(
  { context, cluster, adapter: { way } }: WayRun,
  request: ApprovedRequest,
  proved: Proved,
  holding: Holding,
): Promise<void> {
  const { proof } = proved;
  if (proof.mapped.result !== "yes") return recordPostponed(context, request, notMapped(proof, way));
  const isRepair = request.lease.state === "active";
  const written = sealWritten(sealedClusterOf(cluster), request, holding, context.keys.memory, way);
  const endsAt = written?.share.endsAt ?? request.lease.endsAt;
  const lease = activeLease(withProof(request.lease, proved, cluster, request.principal), {
    endsAt,
    activeSince: request.lease.activeSince ?? proof.at,
    written,
    warnAt: warnAt(request, endsAt, context.config.timing.warnBeforeEndSeconds),
    drift: null,
  });
  await recordOutcome(context, request, withLease(request, lease, null), isRepair ? "lease.repaired" : "lease.active", {
    admits: admittedInWords(admittedBy(request.principal)),
    mapped: proof.mapped.result,
    authorized: proof.authorized.result,
    signedIn: proof.signedIn.result,
    ...idsElsewhere(context, proof.auditIds, request),
  });
  // A lease that only its cluster remembered has no approval.
  const decision = isRepair ? undefined : request.approvals.at(-1);
  const tookMs = decision && Date.parse(proof.at) - Date.parse(decision.at);
  if (tookMs !== undefined) context.metrics?.activation.observe(Math.max(0, tookMs / 1000));
}

function notMapped({ mapped: { detail } }: Proof, way: Way): AccessError {
  return way === "aws-auth"
    ? new AccessError("cluster-conflict", `${readBackDiffers("aws-auth")}: ${detail}`)
    : new AccessError("access-entry-conflict", `${readBackDiffers("the access entry")}: ${detail}`);
}

/** The warning of a short lease comes when a quarter of its time is left. */
function warnAt({ durationSeconds }: ApprovedRequest, endsAt: string, warnBeforeEndSeconds: number): string {
  const before = Math.min(warnBeforeEndSeconds, durationSeconds / 4);
  return new Date(Date.parse(endsAt) - before * 1000).toISOString();
}

/** Records that others removed a lease's part, or (`message` null) that it is back. */
export async function recordDrift(
  context: WorkerContext,
  request: ApprovedRequest,
  message: string | null,
): Promise<void> {
  const isAsBefore = (request.lease.drift?.message ?? null) === message;
  if (isAsBefore && !(message === null && request.trouble)) return;
  const drift = message === null ? null : { at: context.now().toISOString(), message };
  const after = withLease(request, { ...request.lease, drift }, null);
  await recordOutcome(context, request, after, message === null ? "lease.repaired" : "lease.drifted", { message });
}

/** Records that a lease ends because the cluster has more for it than approved. The next run removes what is left. */
export async function recordRevoked(context: WorkerContext, request: ApprovedRequest, error: unknown): Promise<void> {
  const { code, message: why } = failureOf(error);
  const end = { cause: "revoked", by: "worker", at: context.now().toISOString(), why } as const;
  await recordOutcome(context, request, withLease(request, { ...request.lease, end }, null), "lease.ending", {
    code,
    why,
  });
}

interface Removed {
  /** The principal's identity afterwards; null: none, or unknown. */
  readonly remains?: MappedIdentity | null;
  /** Whether the cluster could not remember the end. */
  readonly isForgotten?: boolean;
  /** The verification after the end; null: the cluster is not asked. */
  readonly proved?: ProvedEnd | null;
  /** When a worker without the ledger removed it, ISO 8601; null: this run did. */
  readonly removedAt?: string | null;
}

/** Records that a lease's part is gone from the cluster. A lease that was never active failed. */
export async function recordEnd(
  context: WorkerContext,
  request: ApprovedRequest,
  { remains = null, isForgotten = false, proved = null, removedAt = null }: Removed = {},
): Promise<void> {
  const endedAt = removedAt ?? proved?.proof.at ?? context.now().toISOString();
  const cause = request.lease.end?.cause ?? "expired";
  const over = { remains, isForgotten };
  const memory = { ...(isForgotten && { remembered: false }), ...(removedAt && { withoutLedger: true, removedAt }) };
  if (request.lease.state === "active") {
    const lease = endedLease(request.lease, endedAt, { ...over, endProof: proved?.proof ?? null });
    const lagSeconds = (Date.parse(endedAt) - Date.parse(lease.end?.at ?? sealedEnd(request))) / 1000;
    context.metrics?.revocationLag.observe(lagSeconds);
    const detail = { cause, lagSeconds, ...memory, ...endDetail(context, request, proved) };
    return recordOutcome(context, request, withLease(request, lease, null), "lease.ended", detail);
  }
  const failure = whyFailed(request.lease);
  const lease = failedLease(request.lease, failure, over);
  await recordOutcome(context, request, withLease(request, lease, null), "lease.failed", {
    code: failure.code,
    ...memory,
  });
}

function endDetail(context: WorkerContext, request: ApprovedRequest, proved: ProvedEnd | null) {
  if (!proved) return {};
  const { mapped, authorized, others } = proved.proof;
  return {
    mapped: mapped.result,
    authorized: authorized.result,
    ...(others.length > 0 && { others }),
    ...idsElsewhere(context, proved.auditIds, request),
  };
}

function whyFailed(lease: Lease): CodedReason {
  if (lease.end && isEndedForMore(lease)) return { code: "document-changed", message: lease.end.why };
  return lease.end?.cause === "replayed" ? approvalReplayed : leaseOver;
}

const leaseOver = { code: "lease-over", message: "The lease ended before its proof." };

const approvalReplayed = {
  code: "approval-replayed",
  message: "This is an old copy of the request. Check who restored it.",
};

/**
 * The approval does not cover the present change: the approvers decide about a new preview (law 4). What an emergency wrote can have
 * given access for a while, so it fails instead, and its review stays due.
 */
export async function recordVoid(context: WorkerContext, request: ApprovedRequest, message: string): Promise<void> {
  const { lease, emergency, approvals } = request;
  if (emergency && lease.writeBegan !== null) {
    const code = "emergency-void";
    const failed = withLease(request, failedLease(lease, { code, message }, {}), null);
    return recordOutcome(context, request, failed, "lease.failed", { code });
  }
  const detail = { why: message, approvers: approvals.map(({ by }) => by) };
  await recordOutcome(context, request, voidedRequest(request, message), "approval.void", detail);
}

/** Records the decision of `decideFailure`: the next try, or a failed lease with cause and remedy. */
async function recordFailure(
  context: WorkerContext,
  request: ApprovedRequest | null,
  failure: Failure,
  isFinal: boolean,
): Promise<void> {
  const mayBeWritten = request?.lease.state !== "scheduled" || request.lease.writeBegan !== null;
  const isWaiting = request !== null && waitsForRepair(failure.code);
  const isOver = isWaiting && request.lease.end === null && isDueToEnd(request, context.now());
  const { outcome } = decideFailure({ isSettled: request === null, mayBeWritten, isOver, isFinal });
  if (outcome === "leave" || !request) return;
  if (outcome === "put-off") return postpone(context, request, failure);
  const { code, message } = failure;
  const lease = failedLease(request.lease, { code, message }, {});
  await recordOutcome(context, request, withLease(request, lease, null), "lease.failed", { code });
}

/** Records that the plan refuses a lease. The worker removes all that can be in the cluster. While aws-auth is broken, the lease waits. */
export function recordRefusal(context: WorkerContext, request: ApprovedRequest, failure: Failure): Promise<void> {
  return recordFailure(context, request, failure, !isBlocking(failure.code));
}

export async function recordPostponed(
  context: WorkerContext,
  stale: ApprovedRequest,
  error: unknown,
  notBefore?: string,
): Promise<void> {
  const isFinal = error instanceof AccessError && error.isFinal;
  await recordFailure(context, await newestOf(context, stale), { ...failureOf(error), notBefore }, isFinal);
}

/** Records a void approval while the cluster can have a part of its lease: the approvers decide again when it has none. */
export async function recordVoidPostponed(
  context: WorkerContext,
  stale: ApprovedRequest,
  error: unknown,
): Promise<void> {
  const request = await newestOf(context, stale);
  // A newer approval ends the lease at another time.
  if (request?.lease.endsAt !== stale.lease.endsAt) return;
  const isNew = !request.lease.voidSince;
  const lease = isNew ? { ...request.lease, voidSince: context.now().toISOString() } : request.lease;
  await postpone(context, { ...request, lease }, failureOf(error), { isNew });
}

/** The newest version of a record, which the failed run can have written. Null: it is over, or another run proved it. */
async function newestOf(context: WorkerContext, stale: ApprovedRequest): Promise<ApprovedRequest | null> {
  const request = (await context.ledger.get(stale.id)) ?? stale;
  if (request.state !== "approved" || isClosed(request)) return null;
  return request.lease.state === "active" && stale.lease.state === "scheduled" ? null : request;
}

/** @param isNew whether the record says more than one more try: then it has an event (law 2) */
async function postpone(context: WorkerContext, request: ApprovedRequest, failure: Failure, { isNew = false } = {}) {
  const now = context.now();
  const trouble = (isDueToEnd(request, now) ? nextEndTry : nextTry)(request, failure, now);
  const lease = endingOf(request, now);
  // An event names every write that is in the cluster's own audit log.
  const isWritten = hasWrites(calledFor(request), context.awsRequests, context.auditIds);
  const isTold = isNew || lease !== null || isWritten || needsEvent(request.trouble, trouble);
  const after = withLease(request, lease ?? request.lease, trouble);
  const { voidSince } = after.lease;
  const detail = { ...delayDetail(trouble), ...(voidSince && { voidSince }) };
  await recordOutcome(context, request, after, isTold ? "lease.delayed" : null, detail);
}

/** A lease that is due to end can be gone although the run failed: it is not active any more (law 5). */
function endingOf(request: ApprovedRequest, now: Date): Lease | null {
  const { lease } = request;
  const at = sealedEnd(request);
  if (lease.state !== "active" || lease.end || Date.parse(at) > now.getTime()) return null;
  return { ...lease, end: { cause: "expired", by: "worker", at, why: "" } };
}

type Detail = AuditEvent["detail"];

/** If the record changed meanwhile, that change woke the next run. @param type null: no event, as in `recordChange` */
export async function recordOutcome(
  context: WorkerContext,
  before: AccessRequest,
  after: AccessRequest,
  type: EventType | null,
  detail: Detail,
): Promise<void> {
  const now = context.now();
  const event = type && eventOf(type, after, "worker", now, { ...idsElsewhere(context, [], after), ...detail });
  const result = await recordChange(context, before, after, event, now);
  if (result.type === "conflict") context.log.info({ request: after.id, event: type }, "the record changed meanwhile");
}

/** Of CloudTrail and the API server's audit log. @param request leaves out calls for others; absent: all calls */
export function idsElsewhere(
  { awsRequests, auditIds }: WorkerContext,
  reviews: readonly string[] = [],
  request?: Pick<AccessRequest, "id" | "principal">,
): Detail {
  const abouts = request && calledFor(request);
  const asked = awsRequests?.byCall(abouts) ?? {};
  const written = { ...auditIds?.byCall(abouts), ...(reviews.length > 0 && { "POST subjectaccessreviews": reviews }) };
  return {
    ...(Object.keys(asked).length > 0 && { awsRequests: asked }),
    ...(Object.keys(written).length > 0 && { auditIds: written }),
  };
}
