import { AccessError } from "../../access/access-error.ts";
import type { AuditEvent } from "../../access/audit-event.ts";
import { isEndReviewPending, isReviewPending } from "../../access/lease/lease.ts";
import type { EndProof, Lease, Proof } from "../../access/lease/lease-record.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { withLease } from "../../access/request.ts";
import { failureOf, maxTries, needsEvent, nextProofTry, nextReviewTry } from "../../access/retry.ts";
import { eventOf, updateRequest } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../due-change.ts";
import { idsElsewhere, recordOutcome } from "../reconcile/outcome.ts";
import { identityInCluster, mappedAfter } from "../reconcile/prove.ts";
import { mayBeAnswered, reviewEnd, reviewLease } from "../reconcile/review.ts";
import type { WayContext } from "../reconcile/way-adapter.ts";

/** Asks the API server again about a lease's rights, as the same user, and records its answer or the next try. */
export async function reviewOnce({ context, cluster, opened }: WayContext, request: ApprovedRequest): Promise<void> {
  const identity = request.lease.proof?.reviewedAs ?? null;
  const { finding, auditIds, unanswered } = await reviewLease(opened.client, cluster, request, identity);
  if (mayBeAnswered(unanswered)) return postponeReview(context, request, unanswered);
  const detail = { authorized: finding.result, how: finding.detail, ...idsElsewhere(context, auditIds) };
  await recordProof(context, request, isReviewPending, (lease, proof) => ({
    lease: { ...lease, reviewTrouble: null, proof: { ...proof, authorized: finding } },
    event: { type: "lease.rights-asked", detail },
  }));
}

export function postponeReview(context: WorkerContext, request: ApprovedRequest, error: unknown): Promise<void> {
  const now = context.now();
  return recordProof(context, request, isReviewPending, (lease) => {
    const reviewTrouble = nextReviewTry(lease.reviewTrouble, failureOf(error), now);
    const isTold = needsEvent(lease.reviewTrouble, reviewTrouble);
    const detail = { ...idsElsewhere(context), ...delayDetail(reviewTrouble) };
    return { lease: { ...lease, reviewTrouble }, event: isTold ? { type: "lease.rights-delayed", detail } : null };
  });
}

/** Looks again at the remains of an ended lease, and records them or the next try. */
export async function reviewEndOnce(place: WayContext, request: ApprovedRequest): Promise<void> {
  const { context, cluster, opened } = place;
  const before = request.lease.endProof;
  if (!before) return;
  try {
    const readBack = await identityInCluster(opened, request.principal);
    const reviewedAs = readBack.identity ?? { ...before.reviewedAs, groups: [] };
    const review = await reviewEnd(opened.client, cluster, request, reviewedAs);
    if (mayBeAnswered(review.unanswered)) return await postponeEndReview(context, request, review.unanswered);
    // Its bindings are read by a run alone.
    const mapped = bindsRoles(request.groups) ? before.mapped : mappedAfter(request, readBack);
    const found = { mapped, authorized: review.finding, reviewedAs };
    await recordEndProof(context, request, { ...before, ...found, trouble: null }, review.auditIds);
  } catch (error) {
    await postponeEndReview(context, request, error);
  }
}

/** Schedules the next question, a bounded number of times: no lease waits for it after the end. */
export async function postponeEndReview(
  context: WorkerContext,
  request: ApprovedRequest,
  error: unknown,
): Promise<void> {
  const before = request.lease.endProof;
  if (!before) return;
  const failure = failureOf(error);
  const trouble = nextProofTry(before.trouble, failure, context.now());
  if (!trouble) {
    const what = error instanceof AccessError ? error.what : failure.message;
    const detail = `no answer after ${maxTries} tries. The last try: ${what}`;
    const isAnswered = before.authorized.result !== "not tested";
    const authorized = isAnswered ? before.authorized : ({ result: "not tested", detail } as const);
    return recordEndProof(context, request, { ...before, authorized, trouble: null }, []);
  }
  const after = withEndProof(request, { ...before, trouble });
  const isTold = needsEvent(before.trouble, trouble);
  await recordOutcome(context, after, isTold ? "lease.rights-delayed" : null, delayDetail(trouble));
}

function recordEndProof(
  context: WorkerContext,
  request: ApprovedRequest,
  proof: EndProof,
  auditIds: readonly string[],
): Promise<void> {
  const { mapped, authorized } = proof;
  const detail = { mapped: mapped.result, authorized: authorized.result, how: authorized.detail };
  const ids = idsElsewhere(context, auditIds);
  return recordOutcome(context, withEndProof(request, proof), "lease.rights-asked", { ...detail, ...ids });
}

function withEndProof(request: ApprovedRequest, endProof: EndProof): ApprovedRequest {
  return withLease(request, { ...request.lease, endProof });
}

export function isEndDue({ lease }: ApprovedRequest, now: Date): boolean {
  const retryAt = lease.endProof?.trouble?.retryAt;
  return isEndReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** A lease after one try, and its event; null: it has none. */
export interface ProofChange {
  readonly lease: Lease;
  readonly event: Pick<AuditEvent, "type" | "detail"> | null;
}

/** If the record changed meanwhile, the try counts only for the same pending proof. Otherwise another run looked, or nothing needs a proof. */
export async function recordProof(
  context: WorkerContext,
  request: ApprovedRequest,
  isToCome: (lease: Lease) => boolean,
  changeOf: (lease: Lease, proof: Proof) => ProofChange,
): Promise<void> {
  await updateRequest<void>(context, request.id, (current) => {
    const proof = current?.lease?.proof;
    const isTried = proof?.at === request.lease.proof?.at;
    if (!current?.lease || !proof || !isToCome(current.lease) || !isTried) return { type: "stop", outcome: undefined };
    const change = changeOf(current.lease, proof);
    const after = withLease(current, change.lease);
    const { event } = change;
    const noted = event && eventOf(event.type, after, "worker", context.now(), event.detail);
    return { type: "write", after, event: noted, outcome: undefined };
  });
}
