import { datedAheadText, type Verdict } from "./approvals.ts";
import { scheduleLease } from "./lease/lease.ts";
import type { Cluster, Level } from "./policy/cluster.ts";
import { breakGlassFor, clusterApprovers, isApproverOf, type Person } from "./policy/rule.ts";
import { type AccessRequest, type Emergency, type EmergencyRequest, isTheirs, type PendingRequest } from "./record.ts";
import { withEmergency } from "./request.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { digestOfRequest, isDatedAhead, isSealedDecision, sealDecision, sealReview } from "./seals.ts";

const dayMs = 24 * 3600 * 1000;

/**
 * Takes emergency access. The Slack process seals that the policy allows it: the worker trusts nothing else. Without keys it is a rescue, where
 * the sealed tags of the access entry replace the seal: the worker can't sign a decision.
 */
export function takeEmergency(
  request: PendingRequest,
  cluster: Cluster,
  level: Level,
  { user: by, memberships }: Person,
  keys: DecisionKeys | null,
  now: Date,
): EmergencyRequest {
  const digest = digestOfRequest(request, cluster, level);
  const sides = { memberships, requester: null, linked: null, stillApprovers: [] };
  const declared = { verdict: "emergency", by, at: now.toISOString(), digest, why: "", ...sides } as const;
  const declaration = keys ? sealDecision(declared, request.id, keys) : { ...declared, seal: "" };
  const [lease, emergency] = [scheduleLease(request, now), unreviewedEmergency(now)];
  return { ...request, state: "approved", approvals: [declaration], lease, emergency };
}

/** An emergency without a review: the first reminder comes after a day. */
export function unreviewedEmergency(now: Date, as: readonly string[] = []): Emergency {
  return { review: null, remindAt: new Date(now.getTime() + dayMs).toISOString(), reminders: 0, as };
}

/** Why an emergency does not count; null: the Slack process sealed it, and the policy still allows it. */
export function emergencyFlaw(
  request: AccessRequest,
  cluster: Cluster,
  level: Level,
  keys: DecisionPublicKeys,
  now: Date,
): string | null {
  const [declaration, ...others] = request.approvals;
  if (!declaration || others.length > 0 || declaration.verdict !== "emergency") {
    return "it has no declaration of an emergency";
  }
  if (!isSealedDecision(declaration, request.id, keys)) return "its emergency does not carry our seal";
  if (isDatedAhead(declaration, now)) return datedAheadText("the emergency");
  const may = breakGlassFor(cluster, { user: declaration.by, memberships: declaration.memberships });
  if (declaration.by !== request.requester || may?.level !== level.name) {
    return "the policy no longer gives the requester emergency access";
  }
  if (
    request.durationSeconds > may.durationSeconds ||
    declaration.digest !== digestOfRequest(request, cluster, level)
  ) {
    return "the request or the policy changed after the emergency began";
  }
  return null;
}

export type ReviewRefusal = "nothing-to-review" | "own" | "not-an-approver" | "reviewed-already";

/** Records a review. The person who took the access can't review it. */
export function decideReview(
  request: AccessRequest,
  cluster: Cluster,
  person: Person,
  keys: DecisionKeys,
  now: Date,
  note = "",
): Verdict<AccessRequest, ReviewRefusal> {
  const code = refuseReview(request, cluster, person);
  if (code || !request.emergency) return { type: "refused", code: code ?? "nothing-to-review" };
  const given = sealReview(request, { by: person.user, at: now.toISOString(), ...(note && { why: note }) }, keys);
  return { type: "decided", after: withEmergency(request, { ...request.emergency, review: given }) };
}

/** Why this person can't review it; null: they can. */
export function refuseReview(request: AccessRequest, cluster: Cluster, person: Person): ReviewRefusal | null {
  const { emergency, requester } = request;
  const isOwn = isTheirs({ requester }, person.user, person.memberships);
  // First: others do not learn who reviewed it.
  if (!isOwn && !isApproverOf(cluster, person)) return "not-an-approver";
  if (!emergency) return "nothing-to-review";
  if (emergency.review) return "reviewed-already";
  return isOwn ? "own" : null;
}

/** The cluster's approvers, by any of its rules, without the person who took the access. Slack user ids and user groups. */
export function reviewersOf({ requester }: AccessRequest, cluster: Cluster): readonly string[] {
  return clusterApprovers(cluster).filter((each) => each !== requester);
}

/** The record after one more reminder of the review; null: none is due. Missed days give one reminder. */
export function remindOfReview(request: AccessRequest, now: Date): AccessRequest | null {
  const { emergency } = request;
  if (!emergency || emergency.review || now.getTime() < Date.parse(emergency.remindAt)) return null;
  const remindAt = new Date(now.getTime() + dayMs).toISOString();
  return withEmergency(request, { ...emergency, remindAt, reminders: emergency.reminders + 1 });
}
