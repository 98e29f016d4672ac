import { hasWrites } from "../../access/audit/request-ids.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { decideFailure } from "../../access/lease/decide-lease.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import { failedLease } from "../../access/lease/lease.ts";
import type { ApprovedRequest, Lease } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import { type Failure, failureOf, isToBeTold, nextTry } from "../../access/request/retry.ts";
import { withLease } from "../../access/request/transitions.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../delay.ts";
import { recordOutcome } from "./record.ts";

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
export function fail(context: WorkerContext, request: ApprovedRequest, failure: Failure): Promise<void> {
  return recordFailure(context, request, failure, true);
}

/** A run failed for it. */
export async function putOff(
  context: WorkerContext,
  stale: ApprovedRequest,
  error: unknown,
  notBefore?: string,
): Promise<void> {
  const isFinal = error instanceof AccessError && !error.retryable;
  await recordFailure(context, await newestOf(context, stale), { ...failureOf(error), notBefore }, isFinal);
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
