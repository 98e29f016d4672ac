import { scheduleGrant } from "../grant/grant.ts";
import type { Cluster } from "../policy/cluster.ts";
import { approvalsNeeded, approversOf, type Rule, ruleFor } from "../policy/rule.ts";
import { type AccessRequest, revise } from "../request/request.ts";
import type { Decision, DecisionRefusal } from "./decision.ts";
import { type SealKeys, seal } from "./seal.ts";

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

/** Decides a click. Anything doubtful is refused. */
export function decide(request: AccessRequest, cluster: Cluster, click: Click, keys: SealKeys, now: Date): Decided {
  const refusal = refuseDecision(request, cluster, click, now);
  if (refusal) return { type: "refused", code: refusal };
  const rule = ruleFor(cluster, request.level);
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!rule || !level) return { type: "refused", code: "no-rule" };
  const decision = sealDecision(request, click, keys, now);
  if (click.verdict === "denied") {
    return { type: "decided", decision, after: revise(request, { state: "denied", denial: decision, trouble: null }) };
  }
  const approvals = [...standing(request, rule, cluster), decision];
  return { type: "decided", decision, after: approved(request, approvals, approvalsNeeded(rule, level), now) };
}

/** Why this click can't decide; null: it can. */
export function refuseDecision(
  request: AccessRequest,
  cluster: Cluster,
  click: Omit<Click, "why">,
  now: Date,
): DecisionRefusal | null {
  const rule = ruleFor(cluster, request.level);
  if (!rule || !cluster.levels.some(({ name }) => name === request.level)) return "no-rule";
  if (request.state !== "pending") return "already-decided";
  if (!isBefore(now.getTime(), request.lapsesAt)) return "lapsed";
  if (click.by === request.requester) return "self-approval";
  if (!approversOf(rule, cluster).includes(click.by)) return "not-an-approver";
  if (!request.preview) return "no-preview";
  if (request.preview.digest !== click.digest) return "change-differs";
  // Who has approved may still think better of it, and deny.
  if (click.verdict === "approved" && request.approvals.some(({ by }) => by === click.by)) return "approved-already";
  return null;
}

/** The approvals so far that still count: who is no approver any more takes his own with him. */
function standing({ approvals, preview }: AccessRequest, rule: Rule, cluster: Cluster): readonly Decision[] {
  const approvers = approversOf(rule, cluster);
  return approvals.filter(({ by, digest }) => approvers.includes(by) && digest === preview?.digest);
}

function approved(
  request: AccessRequest,
  approvals: readonly Decision[],
  approvalsWanted: number,
  now: Date,
): AccessRequest {
  const given = { approvals, approvalsWanted, trouble: null, voided: null };
  if (approvals.length < approvalsWanted) return revise(request, given);
  return revise(request, { ...given, state: "approved", grant: scheduleGrant(now, request.durationSeconds) });
}

function sealDecision(request: AccessRequest, click: Click, keys: SealKeys, now: Date): Decision {
  const { verdict, by, digest, why } = click;
  const unsealed = { verdict, by, at: now.toISOString(), digest, why };
  return { ...unsealed, seal: seal("decision", { ...unsealed, request: request.id }, keys) };
}

/** A time that can't be read is before nothing: what is doubtful is over. */
function isBefore(timeMs: number, iso: string): boolean {
  return timeMs < Date.parse(iso);
}
