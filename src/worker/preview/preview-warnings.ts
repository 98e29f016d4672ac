import { theyCanLink } from "../../access/identities.ts";
import { leasesAnnotation, leasesThatFit, roomIn, spaceTakenByOthers } from "../../access/lease/annotation.ts";
import type { MappedIdentity } from "../../access/lease/lease-record.ts";
import { type Cluster, environmentName, productionValue, type Rule } from "../../access/policy/cluster.ts";
import { policyWarnings } from "../../access/policy/dangers.ts";
import { isFullControl, kubernetesGroups } from "../../access/policy/policy-text.ts";
import { hoursInWords, isOutside } from "../../access/policy/rule.ts";
import { type Holder, isOwnPrincipal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import { entriesThatYield, type NamedEntry, type Problem, problemSteps, type Steps } from "../../aws-auth/index.ts";
import type { RoleBindings } from "../../kubernetes/rbac.ts";
import type { ClusterState } from "../reconcile/settle-document.ts";
import type { OtherNames } from "../reconcile/way-adapter.ts";

// What an approver should consider: one sentence a warning. The card shows only the words before the colon.

export interface WarningFacts {
  readonly principal: Holder;
  /** Null: unreadable. */
  readonly bindings: RoleBindings | null;
  /** The requester's own ARN in the principal's account; null: none; undefined: no worker could look them up. */
  readonly linked: string | null | undefined;
  /** Whether a link would be believed. */
  readonly linksCount: boolean;
  readonly earlier: readonly AccessRequest[];
}

/** By the request alone. */
export function warningsOf(cluster: Cluster, request: AccessRequest, facts: WarningFacts): string[] {
  return [
    ...mastersWarning(request, facts),
    ...policyWarnings(request.groups),
    ...productionWarning(cluster),
    ...ownerWarning(request, facts),
    ...accountWarning(cluster, facts),
    ...unboundWarning(cluster, request, facts),
    ...firstTimeWarning(cluster, request, facts),
  ];
}

const grave = /^(?:Full control|Control of the cluster|Dangerous rights): /;

/** A card has seven words and Details ten sentences: no others push these out. */
export function gravestFirst(warnings: readonly string[]): string[] {
  return [...warnings.filter((each) => grave.test(each)), ...warnings.filter((each) => !grave.test(each))];
}

/** The message's title already says who gets in. */
function mastersWarning({ groups }: AccessRequest, { principal }: WarningFacts): string[] {
  const full = ["system:masters", ...groups].find((group) => groups.includes(group) && isFullControl([group]));
  if (full === undefined) return [];
  const isShared = principal.kind === "role" ? ", not for one person alone" : "";
  return [`Full control: by ${full.replace("policy ", "")}${isShared}.`];
}

function productionWarning({ name, labels }: Cluster): string[] {
  const found = Object.entries(labels).find(([key, value]) => environmentName.test(key) && productionValue.test(value));
  return found ? [`Production: ${name} has the label ${found.join(": ")}.`] : [];
}

const noIdentity = "No linked identity: the requester may not own the principal.";

/** A request for another person's principal gives that person access, in the requester's name. */
function ownerWarning({ principal }: AccessRequest, { linked, linksCount }: WarningFacts): string[] {
  if (linked === undefined) return [noIdentity];
  if (isOwnPrincipal(linked, principal)) return [];
  if (linked) return [`Not own identity: the requester is linked to ${linked}.`];
  return [linksCount ? `${noIdentity} ${theyCanLink}` : noIdentity];
}

function accountWarning({ name, account }: Cluster, { principal }: WarningFacts): string[] {
  if (principal.account === account) return [];
  return [`Another account: the principal is in ${principal.account}, ${name} in ${account}.`];
}

function unboundWarning({ name }: Cluster, request: AccessRequest, { bindings }: WarningFacts): string[] {
  const groups = kubernetesGroups(request.groups);
  if (groups.length === 0) return [];
  if (!bindings) return ["Rights unknown: couldn't read the cluster's RBAC."];
  const unbound = groups.filter((group) => group !== "system:masters" && !bindings.groups.has(group));
  if (unbound.length === 0) return [];
  return [`Gives nothing: no RBAC binding of ${name} names ${unbound.join(", ")}.`];
}

function firstTimeWarning({ name }: Cluster, request: AccessRequest, { earlier }: WarningFacts): string[] {
  const isKnown = earlier.some(
    ({ id, cluster, principal, lease }) =>
      id !== request.id &&
      cluster === request.cluster &&
      principal.toLowerCase() === request.principal.toLowerCase() &&
      lease?.activeSince,
  );
  return isKnown ? [] : [`First time: the requester had no such lease on ${name}.`];
}

export function outsideHours(rule: Rule, now: Date): string[] {
  if (!rule.hours || !isOutside(rule, now)) return [];
  const more = rule.hours.outside === "one-more-approval" ? ", where it takes one approval more" : "";
  return [`Outside working hours: they are ${hoursInWords(rule.hours)}${more}.`];
}

const maxNamed = 3;

/** By another username or fewer groups: one sentence each. @param users RBAC's bindings by username; null: unreadable */
export function lostRights(
  today: MappedIdentity | null,
  afterwards: MappedIdentity,
  users: RoleBindings["users"] | null,
): string[] {
  if (!today) return [];
  const groups = today.groups.filter((group) => !afterwards.groups.includes(group));
  return [
    ...lostUsername(today.username, afterwards.username, users),
    ...(groups.length > 0 ? [`Loses rights: the groups ${groups.join(", ")}.`] : []),
  ];
}

function lostUsername(before: string, after: string, users: RoleBindings["users"] | null): readonly string[] {
  if (before === after) return [];
  const lost = (named: string) => [`Loses rights: the principal becomes ${after}, and ${named} bound to ${before}.`];
  if (!users) return lost("perhaps a role is");
  const bound = users.get(before) ?? [];
  if (bound.length === 0) return [];
  const named = bound
    .slice(0, maxNamed)
    .map(
      ({ kind, role, namespace }) => `${kind} ${role} ${namespace === null ? "in every namespace" : `in ${namespace}`}`,
    )
    .join(", ");
  const more = bound.length > maxNamed ? ` and ${bound.length - maxNamed} more` : "";
  const verb = bound.length > 1 ? "are" : "is";
  return lost(`${named}${more} ${verb}`);
}

export function sharedUsername(username: string): string {
  return `Shared username: {{SessionName}} turns @ into -, so two people can be ${username}.`;
}

/** Warns an approver about a username with templates. Users have no session name. */
export function sessionWarnings(username: string, arn: string): string[] {
  if (arn.includes(":user/") || !username.includes("{{SessionName}}")) return [];
  return [sharedUsername(username)];
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
    return unread > 0 ? [`Not compared: ${unread} more access entries, which may give ${username} too.`] : [];
  }
  const more = others.length > 2 ? ` and ${others.length - 2} more` : "";
  return [`Same username: ${others.slice(0, 2).join(", ")}${more} can also be ${username}.`];
}

export function* documentWarnings(state: Pick<ClusterState, "document" | "configMap">): Steps<string[]> {
  const { document, configMap } = state;
  return [...problemsWarning(yield* problemSteps(document)), ...roomWarning(configMap?.annotations ?? {})];
}

function problemsWarning(all: readonly Problem[]): string[] {
  const problems = all.filter((problem) => problem.severity !== "notice").length;
  if (problems === 0) return [];
  return [`Problems in aws-auth: ${problems}.`];
}

/** A day's work of leases: an operator has time to make room. */
const fewLeases = 20;

function roomWarning(annotations: Readonly<Record<string, string>>): string[] {
  const room = roomIn(annotations);
  const more = leasesThatFit(room, annotations[leasesAnnotation]);
  if (more >= fewLeases) return [];
  const clause = spaceTakenByOthers(room);
  return [`Little room in aws-auth: for about ${more} more leases${clause ? `: ${clause}` : ""}.`];
}
