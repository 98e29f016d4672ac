import type { MemoryKeys } from "../../access/approval/seal.ts";
import { fitsAnnotation, roomIn } from "../../access/lease/annotation.ts";
import { approvedShare } from "../../access/lease/due-work.ts";
import { baseOf, entryTarget } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import { lostRights } from "../../access/lease/lost-rights.ts";
import { type LeasesFound, otherLeasesOf } from "../../access/lease/other-leases.ts";
import type { MappedIdentity } from "../../access/lease/proof-record.ts";
import type { Cluster, Rule, Way } from "../../access/policy/cluster.ts";
import { mayAsk } from "../../access/policy/may-ask.ts";
import { accessPolicies, covers, isPolicyText, policyTexts } from "../../access/policy/policy-text.ts";
import { approvalsNeeded, hoursInWords, isOutside } from "../../access/policy/rule.ts";
import { digestOfChange } from "../../access/request/digest.ts";
import type { AccessRequest, Preview } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { type NamedEntry, planChanges, readHolder, resolve, unifiedDiff } from "../../aws-auth/index.ts";
import type { EntryState } from "../reconcile/entry-state.ts";
import type { OtherNames } from "../reconcile/other-names.ts";
import { annotationFull, type ClusterState, planGuard, takesNothingNew } from "../reconcile/settle-document.ts";
import { refuseTarget } from "../reconcile/settle-entries.ts";
import type { ChangePreview, RequestedChange } from "../reconcile/way-adapter.ts";
import { readRemembered } from "../remembered.ts";
import {
  documentWarnings,
  sameUsernameWarnings,
  sessionWarnings,
  type WarningFacts,
  warningsOf,
} from "./preview-warnings.ts";

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
  readonly changeOf: (wish: RequestedChange) => ChangePreview;
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

/** Approved leases of the same principal that are written first: the plan builds on them. */
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

/** The change of aws-auth; or why it is impossible. */
export function previewInDocument(
  cluster: Cluster,
  keys: MemoryKeys,
  state: ClusterState,
  { request, level, principal, beginning, others: named }: RequestedChange,
): ChangePreview {
  const { arn } = principal;
  const { groups } = request;
  if (groups.some(isPolicyText)) {
    return refused(
      "policy-in-aws-auth",
      `${level.name} gives an EKS access policy, but ${cluster.name} takes ${arn} by aws-auth, which has none. Ask for a level with groups, or ask an operator to move ${arn} to an access entry.`,
    );
  }
  const entry = state.identityOf(arn);
  const holding = state.holdings.get(arn.toLowerCase());
  const base = baseOf(entry, holding);
  if (base && groups.every((group) => base.groups.includes(group))) {
    return refused("already-mapped", `${arn} already has ${groups.join(", ")} in ${cluster.name}, without an end.`);
  }
  const closed = takesNothingNew(cluster, state);
  if (closed) return { type: "refused", refusal: closed };
  const shares = [...(holding?.shares ?? []), ...beginning, approvedShare(request, new Date(request.createdAt))];
  const username = entry?.username ?? usernameFor(principal);
  const { change, holding: held } = entryTarget(arn, entry, holding, shares, username);
  const plan = planChanges(state.document, [change], planGuard(cluster, [level], state), readRemembered);
  if (plan.type === "refused") return { type: "refused", refusal: plan.refusal };
  const [leftOut] = plan.refused;
  if (leftOut) return { type: "refused", refusal: leftOut };
  const others = [...state.holdings.values()].filter((each) => each.arn.toLowerCase() !== arn.toLowerCase());
  const room = roomIn(state.configMap?.annotations ?? {});
  if (held && !fitsAnnotation([...others, held], keys, room.forLeases)) {
    return { type: "refused", refusal: annotationFull(cluster, room) };
  }
  const today = resolve(state.document, arn);
  const planned = plan.differences.find((each) => each.arn.toLowerCase() === arn.toLowerCase())?.after;
  const afterwards = planned ?? today ?? { username, groups };
  return {
    type: "change",
    way: "aws-auth",
    diff: plan.diff,
    base,
    today,
    afterwards,
    warnings: [
      ...(entry ? [] : sameUsernameWarnings(username, arn, state.document.entries, named)),
      ...sessionWarnings(username, arn),
      ...documentWarnings(state),
    ],
  };
}

function refused(code: string, message: string): Extract<ChangePreview, { readonly type: "refused" }> {
  return { type: "refused", refusal: { code, message } };
}

/** The change of a person's access entry; or why it is impossible. */
export function previewByEntry(
  cluster: Cluster,
  keys: MemoryKeys,
  state: EntryState,
  { request, principal, beginning, others }: RequestedChange,
): ChangePreview {
  const { arn } = principal;
  const key = arn.toLowerCase();
  const today = state.identityOf(arn);
  const holding = state.holdings.get(key);
  const base = baseOf(today, holding);
  if (base && request.groups.every((group) => covers(base.groups, group))) {
    const message = `${arn} already has ${request.groups.join(", ")} in ${cluster.name}, without an end.`;
    return { type: "refused", refusal: { code: "already-mapped", message } };
  }
  const username = today?.username ?? usernameFor(principal);
  const shares = [...(holding?.shares ?? []), ...beginning, approvedShare(request, new Date(request.createdAt))];
  const target = entryTarget(arn, today, holding, shares, username);
  const refusal = refuseTarget(cluster, state, keys, target);
  if (refusal) return { type: "refused", refusal };
  const groups = target.change.type === "map" ? target.change.groups : request.groups;
  const afterwards = { username, groups };
  const entry = state.entries.get(key);
  const diff = unifiedDiff(
    "access-entry",
    today && textOfEntry(entry, arn, today),
    textOfEntry(entry, arn, afterwards),
  );
  return {
    type: "change",
    way: "access-entry",
    diff,
    base,
    today,
    afterwards,
    warnings: [
      ...(today ? [] : sameUsernameWarnings(username, arn, namedIn(state), others)),
      ...sessionWarnings(username, arn),
    ],
  };
}

/** The entries that were read, and those of aws-auth beside them. */
function namedIn({ entries, mappedEntries }: EntryState): readonly NamedEntry[] {
  const read = [...entries.values()].map(({ principalArn, username }) => ({ arn: principalArn, username }));
  return [...read, ...mappedEntries()];
}

/** An entry as people read it, line by line. */
export function textOfEntry(entry: AccessEntry | undefined, arn: string, { username, groups }: MappedIdentity): string {
  const policies = accessPolicies(groups).flatMap(policyTexts);
  const plain = groups.filter((group) => !group.startsWith("policy "));
  return [
    `principal: ${entry?.principalArn ?? arn}`,
    `username: ${username}`,
    ...plain.map((group) => `group: ${group}`),
    ...policies.map((policy) => policy.replace("policy ", "policy: ")),
    "",
  ].join("\n");
}
