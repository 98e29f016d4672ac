import { leasesAnnotation, leasesThatFit, roomIn, spaceTakenByOthers } from "../../access/lease/annotation.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isFullControl, kubernetesGroups } from "../../access/policy/policy-text.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import {
  type AwsAuthDocument,
  entriesThatYield,
  type Holder,
  isOwnPrincipal,
  type NamedEntry,
} from "../../aws-auth/index.ts";
import type { RoleBindings } from "../../kubernetes/group-bindings.ts";
import type { OtherNames } from "../reconcile/other-names.ts";
import type { ClusterState } from "../reconcile/settle-document.ts";

export interface WarningFacts {
  readonly principal: Holder;
  /** Null: unreadable. */
  readonly bindings: RoleBindings | null;
  /** The ARN that the requester's account is linked with, by their own word or an administrator's; null: none. */
  readonly linked: string | null;
  /** Other requests of this requester. */
  readonly earlier: readonly AccessRequest[];
}

/**
 * What an approver should consider before a decision, one sentence each, the gravest first. Each begins with its word for the card and a
 * colon: the card shows only the word.
 */
export function warningsOf(cluster: Cluster, request: AccessRequest, facts: WarningFacts): string[] {
  return [
    ...mastersWarning(request, facts),
    ...ownerWarning(request, facts),
    ...accountWarning(cluster, facts),
    ...unboundWarning(cluster, request, facts),
    ...firstTimeWarning(cluster, request, facts),
  ];
}

/** The message's title says who gets in. Full control for a role also needs a warning. */
function mastersWarning({ groups }: AccessRequest, { principal }: WarningFacts): string[] {
  const full = ["system:masters", ...groups].find((group) => groups.includes(group) && isFullControl([group]));
  if (full === undefined) return [];
  const isShared = principal.kind === "role" ? ", and it is not for one person alone" : "";
  return [`Full control: ${full.replace("policy ", "")} is full control of the cluster${isShared}.`];
}

/** A request for another person's principal gives that person access, in the requester's name. */
function ownerWarning({ principal }: AccessRequest, { linked }: WarningFacts): string[] {
  if (isOwnPrincipal(linked, principal)) return [];
  return [
    `${linked ? "Not own identity" : "No linked identity"}: this may not be the requester's own principal: ${linked ? `theirs is ${linked}` : "they have linked none with /eks-access link"}.`,
  ];
}

function accountWarning({ name, account }: Cluster, { principal }: WarningFacts): string[] {
  if (principal.account === account) return [];
  return [`Another account: the principal is in ${principal.account}, ${name} in ${account}.`];
}

function unboundWarning({ name }: Cluster, request: AccessRequest, { bindings }: WarningFacts): string[] {
  const groups = kubernetesGroups(request.groups);
  if (groups.length === 0) return [];
  if (!bindings) return ["Rights unknown: couldn't read the role bindings, so what the groups allow is unknown."];
  const unbound = groups.filter((group) => group !== "system:masters" && !bindings.groups.has(group));
  if (unbound.length === 0) return [];
  return [
    `Gives nothing: no RoleBinding or ClusterRoleBinding of ${name} names ${unbound.join(", ")}: it gives nothing.`,
  ];
}

function firstTimeWarning({ name }: Cluster, request: AccessRequest, { earlier }: WarningFacts): string[] {
  const isKnown = earlier.some(
    ({ id, cluster, principal, lease }) =>
      id !== request.id &&
      cluster === request.cluster &&
      principal.toLowerCase() === request.principal.toLowerCase() &&
      lease?.activeSince,
  );
  return isKnown ? [] : [`First time: the requester had no lease with this principal on ${name} before.`];
}

/** The same for the username of the principal's entry, with its templates. A user has no session name. */
export function sessionWarnings(username: string, arn: string): string[] {
  if (arn.includes(":user/") || !username.includes("{{SessionName}}")) return [];
  return [
    "Shared username: two people can get one username: {{SessionName}} turns @ into -, so the sessions alice-example.com and alice@example.com are the same user.",
  ];
}

/** The same for a username that is new to the cluster. @param known the names that the way reads */
export function sameUsernameWarnings(
  username: string,
  arn: string,
  known: readonly NamedEntry[],
  { entries, unread }: OtherNames,
): string[] {
  const others = entriesThatYield(username, arn, [...known, ...entries]);
  if (others.length === 0) {
    return unread > 0
      ? [`The worker did not compare ${unread} more access entries: they may give the username ${username} too.`]
      : [];
  }
  const more = others.length > 2 ? ` and ${others.length - 2} more` : "";
  return [
    `${others.slice(0, 2).join(", ")}${more} can also get the username ${username}. To Kubernetes they are one user, with the same rights and one name in its audit log.`,
  ];
}

/** The same for the document. */
export function documentWarnings({ document, configMap }: Pick<ClusterState, "document" | "configMap">): string[] {
  return [...problemsWarning(document), ...roomWarning(configMap?.annotations ?? {})];
}

function problemsWarning(document: AwsAuthDocument): string[] {
  const problems = document.problems.filter((problem) => problem.severity !== "notice").length;
  if (problems === 0) return [];
  return [
    `Problems in aws-auth: it already has ${problems} problem${problems === 1 ? "" : "s"}, which stay as they are.`,
  ];
}

/** So many leases are a day's work: an operator has time to make room. */
const fewLeases = 20;

function roomWarning(annotations: Readonly<Record<string, string>>): string[] {
  const room = roomIn(annotations);
  const more = leasesThatFit(room, annotations[leasesAnnotation]);
  if (more >= fewLeases) return [];
  const clause = spaceTakenByOthers(room);
  return [`Little room in aws-auth: it has room to remember about ${more} more leases${clause ? `: ${clause}` : ""}.`];
}
