import { digestOfChange } from "../access/approval/seals.ts";
import { approvedShare } from "../access/lease/due-work.ts";
import type { Share } from "../access/lease/lease-record.ts";
import { lostRights } from "../access/lease/lost-rights.ts";
import { type LeasesFound, otherLeasesOf } from "../access/lease/other-leases.ts";
import { type Cluster, environmentName, productionValue, type Rule, type Way } from "../access/policy/cluster.ts";
import { mayAsk } from "../access/policy/may-ask.ts";
import { isFullControl, kubernetesGroups } from "../access/policy/policy-text.ts";
import { approvalsNeeded, hoursInWords, isOutside } from "../access/policy/rule.ts";
import type { AccessRequest, Preview } from "../access/request/record.ts";
import { type Holder, isOwnPrincipal, readHolder } from "../aws-auth/index.ts";
import type { RoleBindings } from "../kubernetes/group-bindings.ts";
import type { OtherNames } from "./reconcile/other-names.ts";
import { refused } from "./reconcile/preview-change.ts";
import type { ChangePreview, RequestedChange } from "./reconcile/way-adapter.ts";

export type PreviewPlan =
  | {
      readonly type: "preview";
      readonly preview: Omit<Preview, "rights" | "seal"> & Partial<Pick<Preview, "rights">>;
      readonly approvalsWanted: number;
    }
  | { readonly type: "refused"; readonly refusal: { readonly code: string; readonly message: string } };

/** One look at a cluster, for one request. */
export interface PreviewFacts extends Omit<WarningFacts, "principal"> {
  readonly cluster: Cluster;
  readonly way: Way;
  readonly changeOf: (requested: RequestedChange) => ChangePreview;
  readonly leases: LeasesFound;
  readonly others: OtherNames;
  readonly now: Date;
}

export function planPreview(facts: PreviewFacts, request: AccessRequest): PreviewPlan {
  const { cluster, way, changeOf, others, bindings, linked, earlier, now } = facts;
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return refused("level-not-offered", `${cluster.name} does not offer ${request.level} any more.`);
  const reading = readHolder(request.principal);
  if (reading.type === "invalid") return refused(reading.code, reading.message);
  const { principal } = reading;
  const allowed = mayAsk({ ...request, cluster, level, principal }, null);
  if (allowed.type === "refused") return refused(allowed.code, allowed.message);
  const beginning = beginningBeside(facts.leases, request, now);
  const change = changeOf({ request, level, principal, beginning, others });
  if (change.type === "refused") return change;
  const { type: _, warnings, ...shown } = change;
  const leases = otherLeasesOf(request, facts.leases);
  return {
    type: "preview",
    approvalsWanted: approvalsNeeded(allowed.rule, level, now),
    preview: {
      at: now.toISOString(),
      digest: digestOfChange(request, cluster, level, { base: change.base, way, leases }),
      ...shown,
      leases,
      warnings: [
        ...outsideHours(allowed.rule, now),
        ...lostRights(change.today, change.afterwards, bindings?.users ?? null),
        ...warningsOf(cluster, request, { principal, bindings, linked, earlier }),
        ...warnings,
      ],
    },
  };
}

function beginningBeside(
  { beginning, holdings }: LeasesFound,
  { id, principal }: AccessRequest,
  now: Date,
): readonly Share[] {
  const key = principal.toLowerCase();
  const held = holdings.get(key)?.shares ?? [];
  return beginning
    .filter((each) => each.id !== id && each.principal.toLowerCase() === key)
    .filter((each) => !held.some((share) => share.id === each.id))
    .map((each) => approvedShare(each, now));
}

function outsideHours(rule: Rule, now: Date): string[] {
  if (!rule.hours || !isOutside(rule, now)) return [];
  const more = rule.hours.outside === "one-more-approval" ? ", where it takes one approval more" : "";
  return [`Outside working hours: they are ${hoursInWords(rule.hours)}${more}.`];
}

export interface WarningFacts {
  readonly principal: Holder;
  /** Null: unreadable. */
  readonly bindings: RoleBindings | null;
  /** The ARN that the requester's account is linked with, by their own word or an administrator's; null: none. */
  readonly linked: string | null;
  readonly earlier: readonly AccessRequest[];
}

/** What an approver should consider, the gravest first. The card shows only the word before the colon. */
export function warningsOf(cluster: Cluster, request: AccessRequest, facts: WarningFacts): string[] {
  return [
    ...mastersWarning(request, facts),
    ...productionWarning(cluster),
    ...ownerWarning(request, facts),
    ...accountWarning(cluster, facts),
    ...unboundWarning(cluster, request, facts),
    ...firstTimeWarning(cluster, request, facts),
  ];
}

/** The message's title already says who gets in. */
function mastersWarning({ groups }: AccessRequest, { principal }: WarningFacts): string[] {
  const full = ["system:masters", ...groups].find((group) => groups.includes(group) && isFullControl([group]));
  if (full === undefined) return [];
  const isShared = principal.kind === "role" ? ", and it is not for one person alone" : "";
  return [`Full control: ${full.replace("policy ", "")} is full control of the cluster${isShared}.`];
}

function productionWarning({ name, labels }: Cluster): string[] {
  const found = Object.entries(labels).find(([key, value]) => environmentName.test(key) && productionValue.test(value));
  return found ? [`Production: ${name} has the label ${found.join(": ")}.`] : [];
}

/** A request for another person's principal gives that person access, in the requester's name. */
function ownerWarning({ principal }: AccessRequest, { linked }: WarningFacts): string[] {
  if (isOwnPrincipal(linked, principal)) return [];
  if (linked) return [`Not own identity: the requester is linked to ${linked}, not to this principal.`];
  return ["No linked identity: the requester has linked none, so this may be another person's."];
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
  return [`Gives nothing: no RoleBinding or ClusterRoleBinding of ${name} names ${unbound.join(", ")}.`];
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
