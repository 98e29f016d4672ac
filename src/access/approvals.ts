import type { Cluster, Level, Rule } from "./policy/cluster.ts";
import {
  approvalsNeeded,
  approversOf,
  haveSameFacts,
  isNamedIn,
  isShutAt,
  noRequesterFacts,
  type RequesterFacts,
  ruleFor,
} from "./policy/rule.ts";
import { isSamePrincipal } from "./principal.ts";
import { type AccessRequest, type Decision, isTheirs, type RequestFields } from "./record.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import {
  areStillApprovers,
  isDatedAhead,
  isSealedDecision,
  lastApproval,
  sealDecision,
  sealedRequesterFacts,
} from "./seals.ts";

/** What approvers decide about: the change of a request, or the plan of a migration. */
export interface Proposal {
  readonly state: string;
  readonly expiresAt: string;
  /** Of the change or plan on screen; null: the worker has nothing to show yet. */
  readonly digest: string | null;
  readonly approvals: readonly Decision[];
  /** Sealed with each decision, so that no decision is valid for another record. */
  readonly subject: string;
}

export interface Click extends Pick<Decision, "by" | "digest" | "why"> {
  readonly verdict: "approved" | "denied";
}

/** Why no decision is possible now; null: it is. An unreadable time counts as over. */
export function refuseUndecidable({ state, expiresAt }: Proposal, now: Date): "already-decided" | "expired" | null {
  if (state !== "pending") return "already-decided";
  return now.getTime() < Date.parse(expiresAt) ? null : "expired";
}

/** Why this approver can't answer so; null: they can. A denial is possible after their own approval, and on a quiet cluster. */
export function refuseApprover(
  { digest, approvals }: Proposal,
  click: Pick<Click, "verdict" | "digest" | "by">,
  { quiet }: Cluster,
  otherIds: readonly string[],
): "no-preview" | "change-differs" | "approved-already" | "quiet" | null {
  if (digest === null) return "no-preview";
  if (digest !== click.digest) return "change-differs";
  if (click.verdict === "denied") return null;
  if (hasApproved({ approvals }, click.by, otherIds)) return "approved-already";
  return quiet === null ? null : "quiet";
}

/** @param otherIds of the same person */
export function hasApproved(
  { approvals }: { readonly approvals: readonly Pick<Decision, "by">[] },
  user: string,
  otherIds: readonly string[] = [],
): boolean {
  return approvals.some(({ by }) => by === user || otherIds.includes(by));
}

/** The approvals of exactly this change that carry our seal and no future date, one for each person. */
export function genuineApprovals(
  { approvals, digest, subject }: Proposal,
  keys: DecisionPublicKeys,
  now: Date,
): readonly Decision[] {
  const genuine = approvals.filter(
    (approval) =>
      approval.verdict === "approved" &&
      approval.digest === digest &&
      !isDatedAhead(approval, now) &&
      isSealedDecision(approval, subject, keys),
  );
  return [...new Map(genuine.map((approval) => [approval.by, approval])).values()];
}

/** Seals an answer. An approval also seals the names of all approvers who still count, this one included. */
export function sealAnswer(
  proposal: Proposal,
  answer: Omit<Decision, "at" | "stillApprovers" | "seal">,
  isStillApprover: (approval: Decision) => boolean,
  keys: DecisionKeys,
  now: Date,
): { readonly decision: Decision; readonly approvals: readonly Decision[] } {
  const before = answer.verdict === "approved" ? genuineApprovals(proposal, keys, now).filter(isStillApprover) : [];
  const stillApprovers = answer.verdict === "approved" ? [...before.map(({ by }) => by), answer.by] : [];
  const decision = sealDecision({ ...answer, at: now.toISOString(), stillApprovers }, proposal.subject, keys);
  return { decision, approvals: [...before, decision] };
}

/** Moves a former approver's approval to the dropped ones. `why`: a clause. */
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

/** What a person's click, command or form does to a record: its next version, or why it does nothing. */
export type Verdict<After, Refusal extends string> =
  | { readonly type: "decided"; readonly after: After }
  | { readonly type: "refused"; readonly code: Refusal };

/**
 * Why the approvals of a request do not count; null: enough approvers sealed exactly this change. The worker trusts nothing in Redis
 * without this.
 */
export function approvalFlaw(
  request: AccessRequest,
  cluster: Cluster,
  level: Level,
  digestNow: string,
  keys: DecisionPublicKeys,
  now: Date,
): string | null {
  const { approvals } = request;
  const requesterFacts = sealedRequesterFacts(request);
  const rule = ruleFor(cluster, level.name, { user: request.requester, memberships: requesterFacts.memberships });
  if (!rule) return `the policy does not let the requester ask for ${level.name} on ${cluster.name} any more`;
  const last = lastApproval(approvals);
  if (!last) return "it has no approval";
  for (const approval of approvals) {
    const flaw = flawOf(approval, request, { rule, cluster, requesterFacts, digestNow, keys, now });
    if (flaw !== null) return flaw;
  }
  // Each name once: someone with Redis can write an approval ten thousand times.
  const names = [...new Set(approvals.map(({ by }) => by))];
  const people = names.filter((by) => !approvals.some(({ memberships }) => memberships.includes(by))).length;
  if (people < approvals.length) return "one approver counts twice in it";
  if (!areStillApprovers(approvals)) {
    return "the last approval does not say that everybody who approved is still an approver";
  }
  const needed = approvalsNeeded(rule, level, new Date(last.at));
  if (people >= needed) return null;
  return `${people} ${people === 1 ? "person has" : "people have"} approved it; it needs ${needed}`;
}

interface Wanted {
  readonly rule: Rule;
  readonly cluster: Cluster;
  readonly requesterFacts: RequesterFacts;
  readonly digestNow: string;
  readonly keys: DecisionPublicKeys;
  readonly now: Date;
}

/** No one approves access for themselves, even if another person asks for it. */
export const approverGetsAccess = "its approver uses the principal that gets access";

/** Says that a date is in the future, and how to fix it. @param what the subject of the sentence */
export function datedAheadText(what: string): string {
  return `${what} is dated more than a minute ahead of the worker's clock: set the clocks of both processes by NTP`;
}

function flawOf(approval: Decision, request: AccessRequest, wanted: Wanted): string | null {
  const { rule, cluster, requesterFacts, digestNow, keys, now } = wanted;
  if (approval.verdict !== "approved") return "it has no approval";
  if (!isSealedDecision(approval, request.id, keys)) return "the approval does not carry our seal";
  if (isDatedAhead(approval, now)) return datedAheadText("an approval");
  if (isTheirs(request, approval.by, approval.memberships) && !rule.selfApproval)
    return "people can't approve their own request";
  if (!rule.selfApproval && isSamePrincipal(approval.linked, request.principal)) return approverGetsAccess;
  const approver = { user: approval.by, memberships: approval.memberships };
  if (!isNamedIn(approversOf(rule, cluster), approver)) return "its approver is no longer an approver of the cluster";
  // An unreadable time fails this comparison: doubt counts as over.
  if (!(Date.parse(approval.at) < Date.parse(request.expiresAt))) return "its approval came after it had expired";
  if (isShutAt(rule, new Date(approval.at))) return "its approval came outside the policy's hours";
  if (approval.digest !== digestNow || !haveSameFacts(approval.requester ?? noRequesterFacts, requesterFacts)) {
    return "the request, the policy, the principal's entry or a role's rights are not what was approved";
  }
  return null;
}
