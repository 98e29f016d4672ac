import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import type { Decision, DecisionRefusal } from "./decision.ts";
import { isSealed, type SealKeys, seal } from "./seal.ts";

export interface Click {
  readonly verdict: "approved" | "denied";
  /** Slack user id. */
  readonly by: string;
  /** The digest that the button carried. */
  readonly digest: string;
  readonly why: string;
}

export type Decided =
  | { readonly type: "decided"; readonly decision: Decision }
  | { readonly type: "refused"; readonly code: DecisionRefusal };

/** Decides a click. Anything doubtful is refused. */
export function decide(request: AccessRequest, cluster: Cluster, click: Click, keys: SealKeys, now: Date): Decided {
  const refusal = refusalOf(request, cluster, click, now);
  if (refusal) return { type: "refused", code: refusal };
  const unsealed = {
    verdict: click.verdict,
    by: click.by,
    at: now.toISOString(),
    digest: click.digest,
    why: click.why,
  };
  return {
    type: "decided",
    decision: { ...unsealed, seal: seal("decision", { ...unsealed, request: request.id }, keys) },
  };
}

function refusalOf(request: AccessRequest, cluster: Cluster, click: Click, now: Date): DecisionRefusal | null {
  if (request.state !== "pending") return "already-decided";
  if (!isBefore(now.getTime(), request.lapsesAt)) return "lapsed";
  if (click.by === request.requester) return "self-approval";
  if (!cluster.approvers.includes(click.by)) return "not-an-approver";
  if (!request.preview) return "no-preview";
  if (request.preview.digest !== click.digest) return "change-differs";
  return null;
}

export type ApprovalVerdict = { readonly type: "valid" } | { readonly type: "void"; readonly message: string };

/**
 * What the worker asks before it writes: is there a sealed approval, by somebody who may approve, of exactly this
 * change? Nothing that Redis holds is believed without it.
 */
export function checkApproval(
  request: AccessRequest,
  cluster: Cluster,
  digestNow: string,
  keys: SealKeys,
): ApprovalVerdict {
  const { decision } = request;
  if (decision?.verdict !== "approved") return invalid("there is no approval");
  const { seal: sealText, ...unsealed } = decision;
  if (!isSealed("decision", { ...unsealed, request: request.id }, sealText, keys)) {
    return invalid("the approval does not carry our seal");
  }
  if (decision.by === request.requester) return invalid("nobody can approve a request of their own");
  if (!cluster.approvers.includes(decision.by))
    return invalid("who approved it is no approver of the cluster any more");
  if (!isBefore(Date.parse(decision.at), request.lapsesAt)) return invalid("it was approved after it had lapsed");
  if (decision.digest !== digestNow) {
    return invalid("the request, the policy or the principal's entry in aws-auth is not what was approved");
  }
  return { type: "valid" };
}

/** A time that can't be read is before nothing: what is doubtful is over. */
function isBefore(timeMs: number, iso: string): boolean {
  return timeMs < Date.parse(iso);
}

function invalid(message: string): ApprovalVerdict {
  return { type: "void", message };
}
