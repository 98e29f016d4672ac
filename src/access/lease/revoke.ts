import type { Verdict } from "../approvals.ts";
import { groupsBy } from "../collections.ts";
import type { Cluster } from "../policy/cluster.ts";
import { isResponsibleFor, type Person } from "../policy/rule.ts";
import { type AccessRequest, type ApprovedRequest, isTheirs, type PendingRequest, peopleOf } from "../record.ts";
import { isClosed, refusedRequest, undecidedRequest, withLease } from "../request.ts";
import { endedLease, failedLease } from "./lease.ts";
import type { CodedReason, LeaseEnd } from "./lease-record.ts";

export type EndRefusal = "not-active" | "not-pending" | "not-yours" | "ending-already";

type EndVerdict = Verdict<AccessRequest, EndRefusal>;

/** Revokes a lease. Its people, the cluster's approvers and on-call can do that; no one else learns its state. */
export function judgeRevoke(request: AccessRequest, cluster: Cluster, by: Person, why: string, now: Date): EndVerdict {
  if (!mayRevoke(request, cluster, by)) return refuseEnd("not-yours");
  if (request.state !== "approved" || isClosed(request)) return refuseEnd("not-active");
  if (request.lease.end) return refuseEnd("ending-already");
  // The record's own id of a person with a newer one: an end by its requester must not read as another person's.
  const self = peopleOf(request).find((each) => by.memberships.includes(each)) ?? by.user;
  const end = { cause: "revoked" as const, by: self, at: now.toISOString(), why };
  return { type: "decided", after: withLease(request, { ...request.lease, end }, null) };
}

/** All open leases that extend this one, directly or through another. No forged circle or chain may keep people from revoking. */
export function extensionsOf(id: string, open: readonly AccessRequest[]): readonly ApprovedRequest[] {
  const byExtended = groupsBy(open.filter(isOpen), ({ extends: extended }) => extended ?? "");
  const found = new Set<ApprovedRequest>();
  const ids = [id];
  // The loop also takes what it adds.
  for (const extended of ids) {
    for (const each of byExtended.get(extended) ?? []) {
      if (!found.has(each)) ids.push(each.id);
      found.add(each);
    }
  }
  return [...found];
}

/** The other open leases of one access: those that this one extends, and all that extend them. Revoking one ends all. */
export function restOfAccess(request: AccessRequest, open: readonly AccessRequest[]): readonly ApprovedRequest[] {
  const byId = new Map(open.filter(isOpen).map((each) => [each.id, each]));
  let first = request;
  for (let next = byId.get(first.extends ?? ""); next; next = byId.get(first.extends ?? "")) {
    byId.delete(next.id);
    first = next;
  }
  // The first one can be over, and have several extensions.
  const all = new Set([first, ...extensionsOf(first.extends ?? first.id, open)]);
  return [...all].filter(isOpen).filter(({ id }) => id !== request.id);
}

const isOpen = (request: AccessRequest): request is ApprovedRequest => request.lease !== null && !request.lease.end;

/** Whether a person can revoke this lease: its people, the cluster's approvers and on-call can. */
export function mayRevoke(request: AccessRequest, cluster: Cluster, person: Person): boolean {
  return isTheirs(request, person.user, person.memberships) || isResponsibleFor(cluster, person);
}

/** Cancels a request before a decision. Only its people can do that. */
export function judgeCancel(request: AccessRequest, by: Person): EndVerdict {
  if (!isTheirs(request, by.user, by.memberships)) return refuseEnd("not-yours");
  if (request.state !== "pending") return refuseEnd("not-pending");
  return { type: "decided", after: undecidedRequest(request, "cancelled") };
}

function refuseEnd(code: EndRefusal): EndVerdict {
  return { type: "refused", code };
}

export interface ClusterClosure {
  readonly by: string;
  readonly why: string;
  /** Whether AWS said that the cluster is gone; otherwise only this person did. */
  readonly isConfirmedByAws: boolean;
}

const howSeen = ({ isConfirmedByAws }: ClusterClosure) =>
  isConfirmedByAws ? "EKS does not know it" : "EKS was not asked";

export function goneCluster(cluster: string, closing: ClusterClosure): CodedReason {
  const message = `The cluster ${cluster} is gone (${howSeen(closing)}); an operator closed it: ${closing.why}`;
  return { code: "cluster-gone", message };
}

/** Closes an open request of a cluster that is gone, without a check or a removal. */
export function closeForGoneCluster(
  request: PendingRequest | ApprovedRequest,
  closing: ClusterClosure,
  now: Date,
): AccessRequest {
  const at = now.toISOString();
  const gone = goneCluster(request.cluster, closing);
  if (request.state === "pending") return refusedRequest(request, gone);
  const end: LeaseEnd = { cause: "cluster-gone", by: closing.by, at, why: `${howSeen(closing)}: ${closing.why}` };
  const { lease } = request;
  const after =
    lease.state === "active" ? endedLease(lease, at, { end, remains: null }) : failedLease(lease, gone, { end });
  return withLease(request, after, null);
}
