import type { Cluster } from "../policy/cluster.ts";
import { isResponsibleFor } from "../policy/may.ts";
import type { Person } from "../policy/person.ts";
import type { AccessRequest, ApprovedRequest, PendingRequest } from "../request/record.ts";
import { isClosed } from "../request/request.ts";
import { refusedRequest, undecidedRequest, withLease } from "../request/transitions.ts";
import { endedLease, failedLease } from "./lease.ts";
import type { LeaseEnd } from "./lease-record.ts";

export type EndRefusal = "not-active" | "not-pending" | "not-yours" | "ending-already";

export type EndVerdict =
  | { readonly type: "ended"; readonly after: AccessRequest }
  | { readonly type: "refused"; readonly code: EndRefusal };

/** Takes a lease back before its end: the requester may, approvers of the cluster, and who is on call. */
export function judgeRevoke(request: AccessRequest, cluster: Cluster, by: Person, why: string, now: Date): EndVerdict {
  if (request.state !== "approved" || isClosed(request)) return refuseEnd("not-active");
  if (!mayRevoke(request, cluster, by)) return refuseEnd("not-yours");
  if (request.lease.end) return refuseEnd("ending-already");
  const end = { cause: "revoked" as const, by: by.user, at: now.toISOString(), why };
  return { type: "ended", after: withLease(request, { ...request.lease, end }, null) };
}

/** The leases that extend this one and are not over or being ended, and those that extend them: they end with it. */
export function extensionsOf(id: string, open: readonly AccessRequest[]): readonly AccessRequest[] {
  const own = open.filter(({ extends: extended, lease }) => extended === id && lease && !lease.end);
  // Ids are given once and an extension is younger than what it extends; a forged circle must not run forever.
  const others = open.filter((each) => !own.includes(each));
  return own.flatMap((each) => [each, ...extensionsOf(each.id, others)]);
}

/** Whether a person may take this lease away: its holder, and who answers for the cluster. */
export function mayRevoke(request: AccessRequest, cluster: Cluster, person: Person): boolean {
  return person.user === request.requester || isResponsibleFor(cluster, person);
}

/** Takes a request back before it is decided: only who made it may. */
export function judgeCancel(request: AccessRequest, by: string): EndVerdict {
  if (request.state !== "pending") return refuseEnd("not-pending");
  if (by !== request.requester) return refuseEnd("not-yours");
  return { type: "ended", after: undecidedRequest(request, "cancelled") };
}

function refuseEnd(code: EndRefusal): EndVerdict {
  return { type: "refused", code };
}

export interface ClusterClosure {
  readonly by: string;
  readonly why: string;
  /** Whether AWS said so: otherwise it is this person's word. */
  readonly isConfirmedByAws: boolean;
}

/** Closes an open request of a cluster that is gone: nothing is left to check or to remove. */
export function closeForGoneCluster(
  request: PendingRequest | ApprovedRequest,
  { by, why, isConfirmedByAws }: ClusterClosure,
  now: Date,
): AccessRequest {
  const at = now.toISOString();
  const word = isConfirmedByAws ? "EKS does not know it" : "EKS was not asked";
  const message = `The cluster ${request.cluster} is gone (${word}); ${by} closed this request: ${why}`;
  const gone = { code: "cluster-gone", message };
  if (request.state === "pending") return refusedRequest(request, gone);
  const end: LeaseEnd = { cause: "cluster-gone", by, at, why: `${word}: ${why}` };
  const { lease } = request;
  const after =
    lease.state === "active" ? endedLease(lease, at, { end, remains: null }) : failedLease(lease, gone, { end });
  return withLease(request, after, null);
}
