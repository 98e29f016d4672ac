import { hasWrites } from "../../access/audit/request-ids.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { ApprovedRequest, Lease } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import { type Failure, failureOf, isToBeTold, nextTry } from "../../access/request/retry.ts";
import { withLease } from "../../access/request/transitions.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../delay.ts";
import { recordOutcome } from "./record.ts";

/**
 * Ends an arriving lease that can't be had. One whose write may have reached the cluster, and one that is leaving, is
 * tried again instead until it is seen to be gone: nothing is left behind.
 */
export async function fail(context: WorkerContext, request: ApprovedRequest, failure: Failure): Promise<void> {
  if (request.lease.state !== "scheduled" || request.lease.writeBegan) return postpone(context, request, failure);
  const { code, message } = failure;
  const lease: Lease = { ...request.lease, state: "failed", failure: { code, message } };
  await recordOutcome(context, withLease(request, lease, null), "lease.failed", { code });
}

/** A run failed: what can be mended by waiting is tried again, the rest fails with its cause and remedy. */
export async function putOff(
  context: WorkerContext,
  stale: ApprovedRequest,
  error: unknown,
  notBefore?: string,
): Promise<void> {
  const request = await newestOf(context, stale);
  if (!request) return;
  const isFinal = error instanceof AccessError && !error.retryable;
  await (isFinal ? fail : postpone)(context, request, { ...failureOf(error), notBefore });
}

/** An approval is void, and something of its lease may be left: it is asked for again when nothing is. */
export async function putOffVoid(context: WorkerContext, stale: ApprovedRequest, error: unknown): Promise<void> {
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

/** @param isNew whether the record says more than that it was tried once more: then an event tells of it (law 2) */
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
  const isTold = isNew || lease !== null || isWritten || isToBeTold(request.trouble, trouble);
  const after = withLease(request, lease ?? request.lease, trouble);
  const { voidSince } = after.lease;
  const detail = { ...delayDetail(trouble), ...(voidSince && { voidSince }) };
  await recordOutcome(context, after, isTold ? "lease.delayed" : null, detail);
}

/** A lease whose time is over may be gone although the run failed: it is not told as active any more (law 5). */
function endingOf(request: ApprovedRequest, now: Date): Lease | null {
  const { lease } = request;
  const at = sealedEnd(request);
  if (lease.state !== "active" || lease.end || Date.parse(at) > now.getTime()) return null;
  return { ...lease, end: { cause: "expired", by: "worker", at, why: "" } };
}
