import type { Click } from "../../approval/decide.ts";
import type { DecisionRefusal, Facts } from "../../approval/decision.ts";
import type { AuditEvent, EventType } from "../../audit/event.ts";
import { eventOf, recordChange } from "../../jobs/record-change.ts";
import { type AccessRequest, revise } from "../../request/request.ts";
import type { SlackContext } from "../context.ts";

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
 * What a click that decided nothing leaves behind. Who tried what they may not do is in the audit log; two clicks at once
 * are no such attempt. Where the policy says something else of the requester now, the worker looks again.
 */
export async function noteRefusal(
  context: SlackContext,
  request: AccessRequest,
  click: Click,
  code: DecisionRefusal,
  facts: Facts,
): Promise<void> {
  if (code === "no-preview" || code === "lapsed") return;
  if (code === "already-decided" && isOfThisChange(request, click)) return;
  const now = context.now();
  const again = { standing: facts.standing, preview: null, approvals: [] };
  const after = revise(request, code === "requester-differs" ? again : {});
  const { verdict, digest } = click;
  await recordChange(
    context,
    after,
    eventOf("decision.refused", request, click.by, now, { code, verdict, digest }),
    now,
  );
}

/** A click that came too late, and not one on a button of an older change. */
function isOfThisChange({ approvals, denial, preview }: AccessRequest, { digest }: Click): boolean {
  return [...approvals, denial, preview].some((each) => each?.digest === digest);
}
