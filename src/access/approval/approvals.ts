import type { Cluster } from "../policy/cluster.ts";
import type { Decision, RequestFields } from "../request/record.ts";
import { isDatedAhead } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { isSealedDecision, sealDecision } from "./seals.ts";

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

export interface Click {
  readonly verdict: "approved" | "denied";
  readonly by: string;
  /** The digest that the button carried. */
  readonly digest: string;
  readonly why: string;
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
): "no-preview" | "change-differs" | "approved-already" | "quiet" | null {
  if (digest === null) return "no-preview";
  if (digest !== click.digest) return "change-differs";
  if (click.verdict === "denied") return null;
  if (approvals.some(({ by }) => by === click.by)) return "approved-already";
  return quiet === null ? null : "quiet";
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
