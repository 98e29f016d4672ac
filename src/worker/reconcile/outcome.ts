import { type AuditEvent, type EventType, hasWrites } from "../../access/audit/event.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { decideFailure } from "../../access/lease/decide-lease.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import { activeLease, endedLease, failedLease } from "../../access/lease/lease.ts";
import type { Holding, Lease } from "../../access/lease/lease-record.ts";
import type { MappedIdentity, Proof } from "../../access/lease/proof-record.ts";
import { sealWritten } from "../../access/lease/written.ts";
import type { Way } from "../../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import { type Failure, failureOf, needsEvent, nextTry } from "../../access/request/retry.ts";
import { voidedRequest, withLease } from "../../access/request/transitions.ts";
import { admittedBy, admittedInWords } from "../../aws-auth/index.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../delay.ts";
import { type Proved, withProof } from "./prove.ts";
import type { ProvedEnd } from "./prove-end.ts";

/**
 * Says in the ledger that a write is about to be sent. Of bindings, which nothing fences, also that one is sent again. The next version
 * of the record.
 */
export async function recordWriteBegun(
  context: WorkerContext,
  request: ApprovedRequest,
  way: Way,
): Promise<ApprovedRequest> {
  const isAgain = request.lease.writeBegan !== null;
  if (isAgain && way !== "binding") return request;
  const now = context.now();
  const at = now.toISOString();
  const after = withLease(request, { ...request.lease, ...(isAgain ? { sentAgainAt: at } : { writeBegan: at }) });
  // Without a wake-up: the outcome follows a moment later, and the sweep finds the record if the process dies.
  const event = eventOf("lease.writing", request, "worker", now, idsElsewhere(context));
  const result = await context.ledger.commit({ after, event });
  if (result.type === "conflict") {
    throw new AccessError("record-changed", `The request ${request.id} changed while it was being applied`);
  }
  return after;
}

/**
 * Says in the ledger that an approval is void before anything of its lease is removed: another run that has just proved the
 * lease can't record it as active any more (law 5). The next version of the record.
 *
 * @throws AccessError `cluster-conflict` where another run was quicker
 */
export async function recordVoidBegun(context: WorkerContext, request: ApprovedRequest): Promise<ApprovedRequest> {
  const { writeBegan, voidSince } = request.lease;
  if (writeBegan === null || voidSince !== null) return request;
  const now = context.now();
  const after = withLease(request, { ...request.lease, voidSince: now.toISOString() });
  const event = eventOf("lease.delayed", request, "worker", now, { voidSince: now.toISOString() });
  const result = await context.ledger.commit({ after, event });
  if (result.type === "conflict") {
    throw new AccessError("cluster-conflict", `The request ${request.id} changed while its lease was being removed`);
  }
  return after;
}

/**
 * The proof has been run: only now is it active (law 5). Not mapped after all: tried again. `holding` is what of the
 * document is ours now.
 */
export async function recordActive(
  context: WorkerContext,
  request: ApprovedRequest,
  proved: Proved,
  holding: Holding | undefined,
  way: Way = "aws-auth",
): Promise<void> {
  if (!holding) return;
  const { proof } = proved;
  if (proof.mapped.result !== "yes") return recordPutOff(context, request, notMapped(proof, way));
  const isRepair = request.lease.state === "active";
  const cluster = context.config.clusters.get(request.cluster);
  const written = sealWritten(request, holding, context.keys.memory, way);
  const endsAt = written?.share.endsAt ?? request.lease.endsAt;
  const lease = activeLease(withProof(request.lease, proved, cluster, request.principal), {
    endsAt,
    activeSince: request.lease.activeSince ?? proof.at,
    written,
    warnAt: warnAt(request, endsAt, context.config.timing.warnBeforeEndSeconds),
    drift: null,
  });
  await recordOutcome(context, withLease(request, lease, null), isRepair ? "lease.repaired" : "lease.active", {
    admits: admittedInWords(admittedBy(request.principal)),
    mapped: proof.mapped.result,
    authorized: proof.authorized.result,
    signedIn: proof.signedIn.result,
    ...idsElsewhere(context, proof.auditIds),
  });
}

function notMapped({ mapped: { detail } }: Proof, way: Way): AccessError {
  return way === "aws-auth"
    ? new AccessError("cluster-conflict", `The entry is not in aws-auth after the write: ${detail}`)
    : new AccessError("access-entry-conflict", `The access entry is not what was written: ${detail}`);
}

/** A short lease is announced to end when a quarter of its time is left. */
function warnAt({ durationSeconds }: ApprovedRequest, endsAt: string, warnBeforeEndSeconds: number): string {
  const before = Math.min(warnBeforeEndSeconds, durationSeconds / 4);
  return new Date(Date.parse(endsAt) - before * 1000).toISOString();
}

/**
 * Another person took its part out of the document, or put it back (`message` is null then). What could not be put back, and
 * is there all the same, is so as well.
 */
export async function recordDrift(
  context: WorkerContext,
  request: ApprovedRequest,
  message: string | null,
): Promise<void> {
  const isAsBefore = (request.lease.drift?.message ?? null) === message;
  if (isAsBefore && !(message === null && request.trouble)) return;
  const drift = message === null ? null : { at: context.now().toISOString(), message };
  const after = withLease(request, { ...request.lease, drift }, null);
  await recordOutcome(context, after, message === null ? "lease.repaired" : "lease.drifted", { message });
}

/**
 * The lease's part is gone from the document. One that never became active failed.
 *
 * @param isForgotten whether the cluster could not remember that it was taken back
 * @param proved what was verified after it; null: nothing, because the cluster is not asked
 */
export async function recordEnd(
  context: WorkerContext,
  request: ApprovedRequest,
  remains: MappedIdentity | null,
  isForgotten = false,
  proved: ProvedEnd | null = null,
): Promise<void> {
  const endedAt = proved?.proof.at ?? context.now().toISOString();
  const cause = request.lease.end?.cause ?? "expired";
  const over = { remains, isForgotten };
  const told = isForgotten ? { remembered: false } : {};
  if (request.lease.state === "active") {
    const lease = endedLease(request.lease, endedAt, { ...over, endProof: proved?.proof ?? null });
    const lagSeconds = (Date.parse(endedAt) - Date.parse(lease.end?.at ?? sealedEnd(request))) / 1000;
    context.metrics?.revocationLag.observe(lagSeconds);
    const detail = { cause, lagSeconds, ...told, ...endDetail(context, proved) };
    return recordOutcome(context, withLease(request, lease, null), "lease.ended", detail);
  }
  const failure = cause === "replayed" ? approvalReplayed : leaseOver;
  const lease = failedLease(request.lease, failure, over);
  await recordOutcome(context, withLease(request, lease, null), "lease.failed", { code: failure.code, ...told });
}

function endDetail(context: WorkerContext, proved: ProvedEnd | null) {
  if (!proved) return {};
  const { mapped, authorized, others } = proved.proof;
  return {
    mapped: mapped.result,
    authorized: authorized.result,
    ...(others.length > 0 && { others }),
    ...idsElsewhere(context, proved.auditIds),
  };
}

const leaseOver = {
  code: "lease-over",
  message: "The lease ended or was revoked before its access was proved. Nothing of it is left in aws-auth.",
};

const approvalReplayed = {
  code: "approval-replayed",
  message:
    "An old copy of this request, from before its revocation, is back in Redis, and is refused. Check who can write to Redis, and whether a backup was restored.",
};

/** What was approved is not what would be written: it is asked for again, with a new preview (law 4). */
export async function recordVoid(context: WorkerContext, request: ApprovedRequest, message: string): Promise<void> {
  const by = request.approvals.map((approval) => approval.by);
  await recordOutcome(context, voidedRequest(request, message), "approval.void", { why: message, approvers: by });
}

/** Records what `decideFailure` makes of a lease: it is tried again, or it fails with its cause and remedy. */
async function recordFailure(
  context: WorkerContext,
  request: ApprovedRequest | null,
  failure: Failure,
  isFinal: boolean,
): Promise<void> {
  const mayBeWritten = request?.lease.state !== "scheduled" || request.lease.writeBegan !== null;
  const { outcome } = decideFailure({ isSettled: request === null, mayBeWritten, isFinal });
  if (outcome === "leave" || !request) return;
  if (outcome === "put-off") return postpone(context, request, failure);
  const { code, message } = failure;
  const lease = failedLease(request.lease, { code, message }, {});
  await recordOutcome(context, withLease(request, lease, null), "lease.failed", { code });
}

/** The plan refuses it. What may be in the cluster is tried again until it is seen to be gone: nothing is left behind. */
export function recordRefusal(context: WorkerContext, request: ApprovedRequest, failure: Failure): Promise<void> {
  return recordFailure(context, request, failure, true);
}

/** A run failed for it. */
export async function recordPutOff(
  context: WorkerContext,
  stale: ApprovedRequest,
  error: unknown,
  notBefore?: string,
): Promise<void> {
  const isFinal = error instanceof AccessError && !error.retryable;
  await recordFailure(context, await newestOf(context, stale), { ...failureOf(error), notBefore }, isFinal);
}

/** An approval is void, and something of its lease may be left: it is asked for again when nothing is. */
export async function recordVoidPutOff(context: WorkerContext, stale: ApprovedRequest, error: unknown): Promise<void> {
  const request = await newestOf(context, stale);
  // Another one was given meanwhile: its lease ends at another time.
  if (request?.lease.endsAt !== stale.lease.endsAt) return;
  const isNew = !request.lease.voidSince;
  const lease = isNew ? { ...request.lease, voidSince: context.now().toISOString() } : request.lease;
  await postpone(context, { ...request, lease }, failureOf(error), { isNew });
}

/** The run may have written to the record before it failed. Null: it is over, or another run has proved it. */
async function newestOf(context: WorkerContext, stale: ApprovedRequest): Promise<ApprovedRequest | null> {
  const request = (await context.ledger.get(stale.id)) ?? stale;
  if (request.state !== "approved" || isClosed(request)) return null;
  return request.lease.state === "active" && stale.lease.state === "scheduled" ? null : request;
}

/** @param isNew whether the record says more than that it was tried once more: then it has an event (law 2) */
async function postpone(
  context: WorkerContext,
  request: ApprovedRequest,
  failure: Failure,
  { isNew = false } = {},
): Promise<void> {
  const now = context.now();
  const trouble = nextTry(request, failure, now);
  const lease = endingOf(request, now);
  // Every write that the cluster's own audit log has is named by an event.
  const isWritten = hasWrites(context.awsRequests, context.auditIds);
  const isTold = isNew || lease !== null || isWritten || needsEvent(request.trouble, trouble);
  const after = withLease(request, lease ?? request.lease, trouble);
  const { voidSince } = after.lease;
  const detail = { ...delayDetail(trouble), ...(voidSince && { voidSince }) };
  await recordOutcome(context, after, isTold ? "lease.delayed" : null, detail);
}

/** A lease whose time is over may be gone although the run failed: it is not shown as active any more (law 5). */
function endingOf(request: ApprovedRequest, now: Date): Lease | null {
  const { lease } = request;
  const at = sealedEnd(request);
  if (lease.state !== "active" || lease.end || Date.parse(at) > now.getTime()) return null;
  return { ...lease, end: { cause: "expired", by: "worker", at, why: "" } };
}

type Detail = AuditEvent["detail"];

/**
 * Where a person changed the record meanwhile, the next run sees what they did: it is woken by their change.
 *
 * @param type null: it has no event, as in `recordChange`
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
