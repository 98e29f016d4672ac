import { isSamePrincipal } from "../../aws-auth/index.ts";
import { scheduleLease } from "../lease/lease.ts";
import { giveTheSame } from "../lease/other-leases.ts";
import type { Cluster, Level, Rule } from "../policy/cluster.ts";
import { isNamedIn, type Person } from "../policy/person.ts";
import { approvalsNeeded, approversOf, isOutside, ruleFor } from "../policy/rule.ts";
import type { AccessRequest, Decision, PendingRequest } from "../request/record.ts";
import { approved, denied, waiting } from "../request/transitions.ts";
import { type Click, type Proposal, refuseAnyone, refuseApprover, sealAnswer } from "./approvals.ts";
import type { DecisionRefusal, Facts } from "./decision.ts";
import { linkedArnBeside } from "./links.ts";
import type { DecisionKeys } from "./seal.ts";

export type Decided =
  /** `after` is the next version of the record: denied, approved, or still waiting for others. */
  | { readonly type: "decided"; readonly decision: Decision; readonly after: AccessRequest }
  | { readonly type: "refused"; readonly code: DecisionRefusal };

/** Decides a click. Anything doubtful is refused. `facts`: what Slack says now; without them no membership counts. */
export function decide(
  request: AccessRequest,
  cluster: Cluster,
  click: Click,
  keys: DecisionKeys,
  now: Date,
  facts: Facts = withoutGroups(request),
): Decided {
  const code = refuseDecision(request, cluster, click, now, facts);
  if (code || request.state !== "pending") return { type: "refused", code: code ?? "already-decided" };
  const [rule, level] = ruledBy(request, cluster, facts);
  if (!rule || !level) return { type: "refused", code: "no-rule" };
  const { verdict, by, digest, why } = click;
  const { memberships, linked } = facts.standing;
  const answer = {
    ...{ verdict, by, digest, why, memberships: personOf(by, facts).memberships },
    ...{ requester: { memberships, linked }, linked: linkedArnBeside(facts.links, by, request.principal) },
  };
  const isStillApprover = (approval: Decision) =>
    !facts.departed.has(approval.by) &&
    isNamedIn(approversOf(rule, cluster), personOf(approval.by, facts)) &&
    !isForOneself(request, rule, approval.by, facts);
  const { decision, approvals } = sealAnswer(proposalOf(request), answer, isStillApprover, keys, now);
  const after =
    verdict === "denied"
      ? denied(request, decision)
      : withApprovals(request, approvals, approvalsNeeded(rule, level, now), now);
  return { type: "decided", decision, after };
}

function proposalOf({ id, state, lapsesAt, preview, approvals }: AccessRequest): Proposal {
  return { subject: id, state, lapsesAt, digest: preview?.digest ?? null, approvals };
}

/** Why this click can't decide; null: it can. */
export function refuseDecision(
  request: AccessRequest,
  cluster: Cluster,
  click: Omit<Click, "why">,
  now: Date,
  facts: Facts = withoutGroups(request),
): DecisionRefusal | null {
  const [rule, level] = ruledBy(request, cluster, facts);
  const proposal = proposalOf(request);
  const refused = refuseAnyone(proposal, now);
  if (refused) return refused;
  if (!rule || !level) return "no-rule";
  const isOwn = click.by === request.requester;
  if (isOwn && !rule.selfApproval) return "self-approval";
  if (!isNamedIn(approversOf(rule, cluster), personOf(click.by, facts)))
    return isOwn ? "self-approval" : "not-an-approver";
  const refusal = refuseApprover(proposal, click, cluster);
  if (refusal || click.verdict === "denied") return refusal;
  return refuseApproval(request, rule, click.by, now, facts);
}

/** What keeps an approver of this request from approving. They may still deny. */
function refuseApproval(
  request: AccessRequest,
  rule: Rule,
  by: string,
  now: Date,
  facts: Facts,
): DecisionRefusal | null {
  const { standing, beside } = facts;
  if (isForOneself(request, rule, by, facts)) return "own-principal";
  if (rule.hours?.outside === "refuse" && isOutside(rule, now)) return "outside-hours";
  if (!isSameStanding(standing, request.standing)) return "requester-differs";
  if (!beside) return null;
  if (beside.isExtendedOver) return "lease-over";
  return giveTheSame(request.preview?.leases ?? [], beside.leases, now) ? null : "leases-differ";
}

/** Whether an approver would get the access that they approve: by their own request it is the rule that says so. */
function isForOneself({ principal }: AccessRequest, { selfApproval }: Rule, by: string, { links }: Facts): boolean {
  return !selfApproval && isSamePrincipal(linkedArnBeside(links, by, principal), principal);
}

function ruledBy(request: AccessRequest, cluster: Cluster, { standing }: Facts): [Rule | null, Level | undefined] {
  const requester = { user: request.requester, memberships: standing.memberships };
  return [ruleFor(cluster, request.level, requester), cluster.levels.find(({ name }) => name === request.level)];
}

function personOf(user: string, { memberships }: Facts): Person {
  return { user, memberships: memberships.get(user) ?? [] };
}

function withApprovals(
  request: PendingRequest,
  approvals: readonly Decision[],
  approvalsWanted: number,
  now: Date,
): AccessRequest {
  const given = waiting(request, { approvals, approvalsWanted, trouble: null, voided: null });
  return approvals.length < approvalsWanted ? given : approved(given, scheduleLease(request, now));
}

/** Whether the policy would go by the same about a requester. */
export function isSameStanding(a: Facts["standing"], b: Facts["standing"]): boolean {
  return a.linked === b.linked && a.memberships.toSorted().join() === b.memberships.toSorted().join();
}

function withoutGroups({ standing }: AccessRequest): Facts {
  return { memberships: new Map(), standing, departed: new Map() };
}
