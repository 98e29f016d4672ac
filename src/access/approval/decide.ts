import { isSamePrincipal } from "../../aws-auth/index.ts";
import { scheduleLease } from "../lease/lease.ts";
import { giveTheSame } from "../lease/other-leases.ts";
import type { Cluster, Level, Rule } from "../policy/cluster.ts";
import { isNamedIn, type Person } from "../policy/person.ts";
import { approvalsNeeded, approversOf, isOutside, ruleFor } from "../policy/rule.ts";
import type { AccessRequest, Decision, PendingRequest, RequestFields } from "../request/record.ts";
import { approved, denied, waiting } from "../request/transitions.ts";
import { type DecisionRefusal, type Facts, isAhead } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { isSealedDecision, sealDecision } from "./seals.ts";

export interface Click {
  readonly verdict: "approved" | "denied";
  /** Slack user id. */
  readonly by: string;
  /** The digest that the button carried. */
  readonly digest: string;
  readonly why: string;
}

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
  const unsealed = decisionOf(click, now, facts);
  if (click.verdict === "denied") {
    const decision = sealDecision(unsealed, request.id, keys);
    return { type: "decided", decision, after: denied(request, decision) };
  }
  const before = stillStanding(request, approversOf(rule, cluster), facts, keys, now);
  const counting = before.filter(({ by }) => !isForOneself(request, rule, by, facts));
  const stillApprovers = [...counting.map(({ by }) => by), click.by];
  const decision = sealDecision({ ...unsealed, stillApprovers }, request.id, keys);
  const approvals = [...counting, decision];
  return {
    type: "decided",
    decision,
    after: withApprovals(request, approvals, approvalsNeeded(rule, level, now), now),
  };
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
  if (request.state !== "pending") return "already-decided";
  if (!isBefore(now.getTime(), request.lapsesAt)) return "lapsed";
  if (!rule || !level) return "no-rule";
  const isOwn = click.by === request.requester;
  if (isOwn && !rule.selfApproval) return "self-approval";
  if (!isNamedIn(approversOf(rule, cluster), personOf(click.by, facts)))
    return isOwn ? "self-approval" : "not-an-approver";
  if (!request.preview) return "no-preview";
  if (request.preview.digest !== click.digest) return "change-differs";
  return click.verdict === "approved" ? refuseApproval(request, cluster, rule, click.by, now, facts) : null;
}

/** What keeps a person who may decide from approving. They may still deny, also after an approval of their own. */
function refuseApproval(
  request: AccessRequest,
  cluster: Cluster,
  rule: Rule,
  by: string,
  now: Date,
  facts: Facts,
): DecisionRefusal | null {
  const { standing, beside } = facts;
  if (isForOneself(request, rule, by, facts)) return "own-principal";
  if (request.approvals.some((approval) => approval.by === by)) return "approved-already";
  if (cluster.quiet !== null) return "quiet";
  if (rule.hours?.outside === "refuse" && isOutside(rule, now)) return "outside-hours";
  if (!isSameStanding(standing, request.standing)) return "requester-differs";
  if (!beside) return null;
  if (beside.isExtendedOver) return "lease-over";
  return giveTheSame(request.preview?.leases ?? [], beside.leases, now) ? null : "leases-differ";
}

/** Whether an approver would get the access that they approve: by their own request it is the rule that says so. */
function isForOneself({ principal }: AccessRequest, { selfApproval }: Rule, by: string, { links }: Facts): boolean {
  return !selfApproval && isSamePrincipal(links?.get(by) ?? null, principal);
}

function ruledBy(request: AccessRequest, cluster: Cluster, { standing }: Facts): [Rule | null, Level | undefined] {
  const requester = { user: request.requester, memberships: standing.memberships };
  return [ruleFor(cluster, request.level, requester), cluster.levels.find(({ name }) => name === request.level)];
}

function personOf(user: string, { memberships }: Facts): Person {
  return { user, memberships: memberships.get(user) ?? [] };
}

/** The approvals so far that still count: ours, of this change, not of the future, and of people who are still approvers. */
function stillStanding(
  request: AccessRequest,
  approvers: readonly string[],
  facts: Facts,
  keys: DecisionPublicKeys,
  now: Date,
): readonly Decision[] {
  const { approvals, preview } = request;
  return approvals.filter(
    (approval) =>
      approval.digest === preview?.digest &&
      !isAhead(approval, now) &&
      !facts.departed.has(approval.by) &&
      isNamedIn(approvers, personOf(approval.by, facts)) &&
      isSealedDecision(approval, request.id, keys),
  );
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

function decisionOf({ verdict, by, digest, why }: Click, now: Date, facts: Facts): Omit<Decision, "seal"> {
  const { memberships } = personOf(by, facts);
  const { linked } = facts.standing;
  const requester = { memberships: facts.standing.memberships, linked };
  const own = facts.links?.get(by) ?? null;
  return { verdict, by, at: now.toISOString(), digest, why, memberships, requester, linked: own, stillApprovers: [] };
}

/** The approvals of a record without that of a person who is no longer an approver, and those that were dropped. `why`: a clause. */
export function withoutApprovalOf(
  { approvals, dropped }: Pick<RequestFields, "approvals" | "dropped">,
  by: string,
  why: string,
  now: Date,
): Pick<RequestFields, "approvals" | "dropped"> {
  return {
    approvals: approvals.filter((approval) => approval.by !== by),
    dropped: [...dropped, { by, at: now.toISOString(), why }],
  };
}

/** Whether the policy would go by the same about a requester. */
export function isSameStanding(a: Facts["standing"], b: Facts["standing"]): boolean {
  return a.linked === b.linked && a.memberships.toSorted().join() === b.memberships.toSorted().join();
}

function withoutGroups({ standing }: AccessRequest): Facts {
  return { memberships: new Map(), standing, departed: new Map() };
}

/** A time that can't be read is before nothing: what is doubtful is over. */
function isBefore(timeMs: number, iso: string): boolean {
  return timeMs < Date.parse(iso);
}
