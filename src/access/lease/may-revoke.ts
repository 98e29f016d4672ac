import type { Cluster } from "../policy/cluster.ts";
import { answersFor } from "../policy/may-see.ts";
import type { Person } from "../policy/person.ts";
import type { AccessRequest } from "../request/record.ts";
import { isClosed } from "../request/request.ts";
import { closed, withLease } from "../request/transitions.ts";

export type EndRefusal = "not-active" | "not-pending" | "not-yours" | "ending-already";

export type EndVerdict =
  | { readonly type: "ended"; readonly after: AccessRequest }
  | { readonly type: "refused"; readonly code: EndRefusal };

/** Takes a lease back before its end: the requester may, approvers of the cluster, and who is on call. */
export function judgeRevoke(request: AccessRequest, cluster: Cluster, by: Person, why: string, now: Date): EndVerdict {
  if (request.state !== "approved" || isClosed(request)) return refused("not-active");
  if (!mayRevoke(request, cluster, by)) return refused("not-yours");
  if (request.lease.end) return refused("ending-already");
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

/** Whether somebody may take this lease away: its holder, and who answers for the cluster. */
export function mayRevoke(request: AccessRequest, cluster: Cluster, person: Person): boolean {
  return person.user === request.requester || answersFor(cluster, person);
}

/** Takes a request back before it is decided: only who made it may. */
export function judgeCancel(request: AccessRequest, by: string): EndVerdict {
  if (request.state !== "pending") return refused("not-pending");
  if (by !== request.requester) return refused("not-yours");
  return { type: "ended", after: closed(request, "cancelled") };
}

function refused(code: EndRefusal): EndVerdict {
  return { type: "refused", code };
}
