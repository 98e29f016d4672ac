import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "../approval/seal.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import { creatorArnOf } from "../policy/creator.ts";
import { ruleFor, sharedLeases } from "../policy/rule.ts";
import { type AccessRequest, type Preview, typedFieldsOf } from "./record.ts";

/** The state of the cluster that a change depends on. */
export type SeenInCluster = Pick<Preview, "base" | "way" | "leases">;

/**
 * The digest of a change: all that an approval depends on, so that it differs if the request, the policy, the entry (`base`) or
 * the way does. `leases`: what the approver saw; `giveSameAccess` compares them at the click and at the write.
 */
export function digestOfChange(
  request: AccessRequest,
  cluster: Cluster,
  level: Level,
  { base, way, leases }: SeenInCluster,
): string {
  const entry = base && { username: base.username, groups: [...base.groups].sort() };
  const requested = requestedValue(request, cluster, level);
  const beside = leases.map(({ id, groups, endsAt }) => ({ id, groups: [...groups], endsAt }));
  return digest({ ...requested, way, rule: ruleValue(request, cluster, level), base: entry, leases: beside });
}

/** The digest of an emergency: it covers neither the principal's entry nor the rules. */
export function digestOfRequest(request: AccessRequest, cluster: Cluster, level: Level): string {
  return digest(requestedValue(request, cluster, level));
}

function digest(value: Json): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

function requestedValue(request: AccessRequest, cluster: Cluster, level: Level) {
  return {
    request: request.id,
    requester: request.requester,
    askedBy: request.askedBy,
    principal: request.principal,
    level: request.level,
    groups: [...request.groups].sort(),
    durationSeconds: request.durationSeconds,
    ...typedFieldsOf(request),
    createdAt: request.createdAt,
    expiresAt: request.expiresAt,
    extends: request.extends,
    until: request.until,
    cluster: { name: cluster.name, eksName: cluster.eksName, region: cluster.region, account: cluster.account },
    creator: creatorArnOf(cluster.creator) ?? "discover",
    approvers: [...cluster.approvers].sort(),
    foreignAccounts: [...cluster.foreignAccounts].sort(),
    policy: { groups: [...level.groups].sort(), maxDurationSeconds: level.maxDurationSeconds },
  };
}

function ruleValue({ requester, requesterFacts }: AccessRequest, cluster: Cluster, level: Level): Json | undefined {
  const rule = ruleFor(cluster, level.name, { user: requester, memberships: requesterFacts.memberships });
  if (rule?.name === "") return undefined;
  if (!rule) return null;
  const { approvals, approvers, selfApproval, maxDurationSeconds, permanent, principals, hours } = rule;
  return {
    approvals,
    approvers: approvers && [...approvers].sort(),
    selfApproval,
    shared: sharedLeases(rule, level),
    maxDurationSeconds,
    permanent,
    principals: { ...principals },
    hours: hours && { ...hours },
  };
}
