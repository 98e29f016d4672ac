import type { AccessRequest } from "../request/request.ts";
import type { Cluster } from "./cluster.ts";
import { approversOf } from "./rule.ts";

/** Whether somebody may approve requests of a cluster, by any of its rules. */
export function approvesFor(cluster: Cluster, user: string): boolean {
  const approvers = cluster.rules.flatMap((rule) => approversOf(rule, cluster));
  return [...cluster.approvers, ...approvers].includes(user);
}

/** Whether somebody answers for a cluster: approves its requests, or is on call for it. */
export function answersFor(cluster: Cluster, user: string): boolean {
  return approvesFor(cluster, user) || cluster.onCall.includes(user);
}

/** Who may read a request with its reason and its principal: who made it, and who answers for its cluster. */
export function maySee(request: AccessRequest, cluster: Cluster | undefined, user: string): boolean {
  return request.requester === user || (cluster !== undefined && answersFor(cluster, user));
}
