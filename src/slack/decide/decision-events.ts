import type { Click } from "../../access/approval/decide.ts";
import type { DecisionRefusal, Facts } from "../../access/approval/decision.ts";
import { isSealedDecision } from "../../access/approval/sealed-decision.ts";
import type { AuditEvent, EventType } from "../../access/audit/event.ts";
import { leasesDiffer, withoutPreview } from "../../access/request/outdated.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { revise } from "../../access/request/request.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { SlackContext } from "../app/context.ts";
import { noteAttempt } from "../people/attempts.ts";

/** SHA-256 in hex: a forged button may carry anything. */
const digestLength = 64;
/** What stands in Redis may be anything. */
const longestUser = 60;

/** The event of a decision: the last approval that is needed decides, the ones before it are given. */
export function decisionEvent(after: AccessRequest, { by, digest, why }: Click, facts: Facts, now: Date): AuditEvent {
  const detail = { digest, why, memberships: facts.memberships.get(by) ?? [] };
  if (after.state === "denied") return eventOf("request.denied", after, by, now, detail);
  const approvers = after.approvals.map((approval) => approval.by);
  return eventOf(approvalType(after, by), after, by, now, { ...detail, approvers, wanted: after.approvalsWanted });
}

/** That somebody approved for themselves, as a rule lets them, is an event of its own. */
function approvalType({ state, requester }: AccessRequest, by: string): EventType {
  if (by === requester) return state === "approved" ? "request.self-approved" : "approval.given-to-self";
  return state === "approved" ? "request.approved" : "approval.given";
}

/**
 * What a click that decided nothing leaves behind: who tried, at which change, and why it was refused. Where the policy says
 * something else of the requester now, or the principal has other leases, the worker looks again.
 */
export async function noteRefusal(
  context: SlackContext,
  request: AccessRequest,
  click: Click,
  code: DecisionRefusal,
  facts: Facts,
): Promise<void> {
  const { verdict, by } = click;
  const digest = click.digest.slice(0, digestLength);
  const after = lookedAtAgain(request, code, facts);
  if (!after) {
    const act = verdict === "approved" ? "approve" : "deny";
    return noteAttempt(context, { act, by, code, request, detail: { digest } });
  }
  const now = context.now();
  await recordChange(context, after, eventOf("decision.refused", request, by, now, { code, verdict, digest }), now);
}

/** The record where the refusal says that its preview shows what is not so any more; null: it does not say that. */
function lookedAtAgain(request: AccessRequest, code: DecisionRefusal, { standing }: Facts): AccessRequest | null {
  if (code === "requester-differs") return revise(request, { standing, preview: null, approvals: [] });
  return code === "leases-differ" || code === "lease-over" ? withoutPreview(request, leasesDiffer) : null;
}

/** Approvals that none of our keys sealed count nothing, and leave the record with the next decision: that they were there stays. */
export async function noteForgedApprovals(context: SlackContext, request: AccessRequest): Promise<void> {
  const forged = request.approvals.filter((each) => !isSealedDecision(each, request.id, context.keys.decision));
  if (forged.length === 0) return;
  const claimed = forged.map(({ by }) => String(by).slice(0, longestUser));
  await noteAttempt(context, { act: "approve", by: "slack", code: "no-seal", request, detail: { claimed } });
}
