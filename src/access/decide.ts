import { type Click, type Proposal, refuseApprover, refuseUndecidable, sealAnswer, type Verdict } from "./approvals.ts";
import { type LinkedArns, linkedArnInAccountOf } from "./identities.ts";
import { giveSameAccess } from "./lease/cluster-leases.ts";
import { scheduleLease } from "./lease/lease.ts";
import type { OtherLeasesNow } from "./lease/lease-record.ts";
import type { Cluster, Level, Rule } from "./policy/cluster.ts";
import {
  approvalsNeeded,
  approversOf,
  clusterApprovers,
  haveSameFacts,
  isNamedIn,
  isShutAt,
  type Person,
  type RequesterFacts,
  ruleFor,
} from "./policy/rule.ts";
import { isSamePrincipal } from "./principal.ts";
import { type AccessRequest, type Decision, isTheirs, peopleOf } from "./record.ts";
import { approvedRequest, deniedRequest, pendingRequest } from "./request.ts";
import type { DecisionKeys } from "./seal.ts";

export type DecisionRefusal =
  | "self-approval"
  | "not-an-approver"
  /** The approver uses the principal that gets access. */
  | "own-principal"
  /** It is unknown now whether the approver is the person of Identity Center who gets access. */
  | "own-principal-unknown"
  | "approved-already"
  | "expired"
  | "already-decided"
  | "no-preview"
  | "change-differs"
  | "no-rule"
  | "quiet"
  | "outside-hours"
  /** The requester's groups changed after the preview: the worker looks again. */
  | "requester-differs"
  /** Another lease of the principal began or ended after the preview: the worker looks again. */
  | "leases-differ"
  /** One that the approver was shown still ends: the worker looks again when it is gone. */
  | "lease-ending"
  /** The lease to extend is over: the worker closes the request. */
  | "lease-over";

export interface DecisionFacts {
  /** By Slack user id: the person's user groups, e-mail domains and other ids that the policy or the request names. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  readonly requesterFacts: RequesterFacts;
  /** Of the approvers, by Slack user id. Absent: not looked up, as for a display. */
  readonly links?: LinkedArns;
  /** Whether it is unknown if the access is for the approver who clicks. */
  readonly isOwnUnknown?: boolean;
  /** Whether who asked for another person gets what the policy denies them. */
  readonly isDenied?: boolean;
  /** Former approvers by Slack user id, with the reason as a clause. */
  readonly departed: ReadonlyMap<string, string>;
  /** The principal's other leases in the ledger. Absent: not looked up, as for a display. */
  readonly otherLeases?: OtherLeasesNow;
}

/** The remaining approvers of this request: neither its people nor those who approved. Slack user ids and user groups. */
export function othersWhoMayApprove(request: AccessRequest, cluster: Cluster): readonly string[] {
  const [rule, level] = ruledBy(request, cluster, request);
  const out = peopleNotDue(request, cluster);
  return (rule && level ? approversOf(rule, cluster) : []).filter((each) => !out.includes(each));
}

/** Approvers who need not decide, also in a user group: those who approved, and the request's people. */
export function peopleNotDue(request: AccessRequest, cluster: Cluster): readonly string[] {
  const given = request.approvals.map(({ by }) => by);
  const [rule] = ruledBy(request, cluster, request);
  return rule?.selfApproval ? given : [...given, ...peopleOf(request)];
}

/** Decides a click, and refuses in doubt: the record is denied, approved or still pending. `facts`: Slack's present answers; without them no membership counts. */
export function decideClick(
  request: AccessRequest,
  cluster: Cluster,
  click: Click,
  keys: DecisionKeys,
  now: Date,
  facts: DecisionFacts = withoutGroups(request),
): Verdict<AccessRequest, DecisionRefusal> {
  const code = refuseDecision(request, cluster, click, now, facts);
  if (code || request.state !== "pending") return { type: "refused", code: code ?? "already-decided" };
  const [rule, level] = ruledBy(request, cluster, facts);
  const { verdict, by, digest, why } = click;
  const { memberships, linked } = facts.requesterFacts;
  const answer = {
    ...{ verdict, by, digest, why, memberships: personOf(by, facts).memberships },
    ...{ requester: { memberships, linked }, linked: linkedArnInAccountOf(facts.links, by, request.principal) },
  };
  const isStillApprover = (approval: Decision) =>
    rule !== null &&
    !facts.departed.has(approval.by) &&
    isNamedIn(approversOf(rule, cluster), personOf(approval.by, facts)) &&
    !isForOneself(request, rule, approval.by, facts);
  const { decision, approvals } = sealAnswer(proposalOf(request), answer, isStillApprover, keys, now);
  if (verdict === "denied") return { type: "decided", after: deniedRequest(request, decision) };
  if (!rule || !level) return { type: "refused", code: "no-rule" };
  const approvalsWanted = approvalsNeeded(rule, level, now);
  const given = pendingRequest(request, { approvals, approvalsWanted, trouble: null, voided: null });
  const isEnough = approvals.length >= approvalsWanted;
  return { type: "decided", after: isEnough ? approvedRequest(given, scheduleLease(request, now)) : given };
}

function proposalOf({ id, state, expiresAt, preview, approvals }: AccessRequest): Proposal {
  return { subject: id, state, expiresAt, digest: preview?.digest ?? null, approvals };
}

/** Whether the policy still lets the requester ask, by what was known then. Without a rule or the level, approvers can only deny. */
export function isApprovable(request: AccessRequest, cluster: Cluster): boolean {
  return ruledBy(request, cluster, request).every(Boolean);
}

/** Why this click can't decide; null: it can. */
export function refuseDecision(
  request: AccessRequest,
  cluster: Cluster,
  click: Omit<Click, "why">,
  now: Date,
  facts: DecisionFacts = withoutGroups(request),
): DecisionRefusal | null {
  const [rule, level] = ruledBy(request, cluster, facts);
  const proposal = proposalOf(request);
  const refused = refuseUndecidable(proposal, now);
  if (refused) return refused;
  if (!(rule && level) && click.verdict === "approved") return "no-rule";
  const person = personOf(click.by, facts);
  const isOwn = isTheirs(request, click.by, person.memberships);
  if (isOwn && !rule?.selfApproval) return "self-approval";
  const approvers = rule ? approversOf(rule, cluster) : clusterApprovers(cluster);
  if (!isNamedIn(approvers, person)) return isOwn ? "self-approval" : "not-an-approver";
  const refusal = refuseApprover(proposal, click, cluster, person.memberships);
  if (refusal || click.verdict === "denied" || !rule) return refusal;
  return refuseApproval(request, rule, click.by, now, facts);
}

/** Why an approver of this request can't approve it; null: they can. They can still deny. */
function refuseApproval(
  request: AccessRequest,
  rule: Rule,
  by: string,
  now: Date,
  facts: DecisionFacts,
): DecisionRefusal | null {
  const { requesterFacts, otherLeases } = facts;
  if (facts.isDenied) return "no-rule";
  if (isForOneself(request, rule, by, facts)) return "own-principal";
  if (facts.isOwnUnknown && !rule.selfApproval) return "own-principal-unknown";
  if (isShutAt(rule, now)) return "outside-hours";
  if (!haveSameFacts(requesterFacts, request.requesterFacts)) return "requester-differs";
  if (!otherLeases) return null;
  if (otherLeases.isExtendedLeaseOver) return "lease-over";
  if (giveSameAccess(request.preview?.leases ?? [], otherLeases.leases, now)) return null;
  return otherLeases.isOneEnding ? "lease-ending" : "leases-differ";
}

/** Whether approvers would get the access that they approve. A rule with `selfApproval` allows that. */
function isForOneself({ principal }: AccessRequest, rule: Rule, by: string, { links }: DecisionFacts): boolean {
  return !rule.selfApproval && isSamePrincipal(linkedArnInAccountOf(links, by, principal), principal);
}

function ruledBy(
  request: AccessRequest,
  cluster: Cluster,
  { requesterFacts }: Pick<DecisionFacts, "requesterFacts">,
): [Rule | null, Level | undefined] {
  const requester = { user: request.requester, memberships: requesterFacts.memberships };
  return [ruleFor(cluster, request.level, requester), cluster.levels.find(({ name }) => name === request.level)];
}

export function personOf(user: string, { memberships }: DecisionFacts): Person {
  return { user, memberships: memberships.get(user) ?? [] };
}

function withoutGroups({ requesterFacts }: AccessRequest): DecisionFacts {
  return { memberships: new Map(), requesterFacts, departed: new Map() };
}
