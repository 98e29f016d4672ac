import type { AccessRequest } from "./record.ts";
import { dueAt, isClosed } from "./request.ts";

/**
 * Since when nothing can come of a closed record, in milliseconds since the epoch; null: it is open, or something is still due about it.
 *
 * It is not when the record closed. A lease that was revoked counts until its sealed end: before that a backup of the cluster, or an older
 * version of the record that somebody writes back, may still speak for it, and the record is what says that it is over.
 */
export function closedSince(request: AccessRequest): number | null {
  if (!isClosed(request) || dueAt(request) !== null) return null;
  const { state, lapsesAt, approvals, durationSeconds, lease, emergency } = request;
  const decided = state === "approved" ? approvals : [];
  const since = Math.max(
    Date.parse(lapsesAt),
    ...decided.map(({ at }) => Date.parse(at) + durationSeconds * 1000),
    ...[lease?.endsAt, lease?.endedAt, emergency?.review?.at].flatMap((time) => (time ? [Date.parse(time)] : [])),
  );
  // A time that can't be read says nothing about an end.
  return Number.isFinite(since) ? since : null;
}
