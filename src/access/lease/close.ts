import type { AccessRequest, LeaseEnd } from "../request/record.ts";
import { revise } from "../request/request.ts";
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
export function closeForGoneCluster(request: AccessRequest, { by, why, seen }: Closing, now: Date): AccessRequest {
  const at = now.toISOString();
  const { lease } = request;
  const word = seen ? "EKS knows it no more" : "nobody has looked";
  const message = `The cluster ${request.cluster} is gone (${word}); ${by} closed this request: ${why}`;
  if (!lease) return revise(request, { state: "refused", trouble: null, refusal: { code: "cluster-gone", message } });
  const end: LeaseEnd = { cause: "cluster-gone", by, at, why: `${word}: ${why}` };
  if (lease.state === "active") {
    return revise(request, { trouble: null, lease: endedLease(lease, at, { end, remains: null }) });
  }
  const failure = { code: "cluster-gone", message };
  return revise(request, { trouble: null, lease: failedLease(lease, failure, { end }) });
}
