import type { AccessRequest, ApprovedRequest, LeaseEnd, PendingRequest } from "../request/record.ts";
import { refused, withLease } from "../request/transitions.ts";
import { endedLease, failedLease } from "./lease.ts";

/** Who says that a cluster is gone, and why. */
export interface Closing {
  /** A Slack user id. */
  readonly by: string;
  readonly why: string;
  /** Whether AWS said so: otherwise it is this person's word. */
  readonly seen: boolean;
}

/** Closes an open request of a cluster that is gone: there is nothing any more that could be looked at, or taken away. */
export function closeForGoneCluster(
  request: PendingRequest | ApprovedRequest,
  { by, why, seen }: Closing,
  now: Date,
): AccessRequest {
  const at = now.toISOString();
  const word = seen ? "EKS knows it no more" : "nobody has looked";
  const message = `The cluster ${request.cluster} is gone (${word}); ${by} closed this request: ${why}`;
  const gone = { code: "cluster-gone", message };
  if (request.state === "pending") return refused(request, gone);
  const end: LeaseEnd = { cause: "cluster-gone", by, at, why: `${word}: ${why}` };
  const { lease } = request;
  const after =
    lease.state === "active" ? endedLease(lease, at, { end, remains: null }) : failedLease(lease, gone, { end });
  return withLease(request, after, null);
}
