import type { AccessRequest } from "../request/record.ts";
import { breakGlassFor } from "./break-glass.ts";
import type { Cluster } from "./cluster.ts";
import { isNamedIn, type Person } from "./person.ts";
import { approversOf, levelsFor } from "./rule.ts";

/** Whether somebody may approve requests of a cluster, by any of its rules. */
export function approvesFor(cluster: Cluster, person: Person): boolean {
  return isNamedIn(approversIn(cluster), person);
}

/** Who may approve requests of a cluster, by any of its rules: Slack user ids and user groups. */
export function approversIn(cluster: Cluster): readonly string[] {
  const byRules = cluster.rules.flatMap((rule) => approversOf(rule, cluster));
  return [...new Set([...cluster.approvers, ...byRules])];
}

/** Whether somebody answers for a cluster: approves its requests, or is on call for it. */
export function answersFor(cluster: Cluster, person: Person): boolean {
  return approvesFor(cluster, person) || isNamedIn(cluster.onCall, person);
}

/** Who may read a request, with its reason and its principal, or a move: who asked for it, and who answers for its cluster. */
export function maySee(
  { requester }: Pick<AccessRequest, "requester">,
  cluster: Cluster | undefined,
  person: Person,
): boolean {
  return requester === person.user || (cluster !== undefined && answersFor(cluster, person));
}

/**
 * Who may be told what stands in a cluster's aws-auth, and how it is reached: who answers for it, who could have access by the
 * policy, and the administrators of links, who have to know whom an ARN stands for. The map names every principal with its
 * groups: a list of whom to attack.
 */
export function maySeeMap(cluster: Cluster, person: Person, administrators: readonly string[]): boolean {
  const mayHaveAccess = levelsFor(cluster, person).length > 0 || breakGlassFor(cluster, person) !== null;
  return answersFor(cluster, person) || mayHaveAccess || administrators.includes(person.user);
}
