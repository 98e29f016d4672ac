import type { Cluster, Level } from "../policy/cluster.ts";
import { approvalsNeeded, approversOf, ruleFor } from "../policy/rule.ts";
import type { AccessRequest } from "../request/request.ts";
import type { Decision } from "./decision.ts";
import { isSealed, type SealKeys } from "./seal.ts";

export type ApprovalVerdict = { readonly type: "valid" } | { readonly type: "void"; readonly message: string };

/**
 * What the worker asks before it writes: are there as many sealed approvals as the policy asks for, by different people
 * who may approve, of exactly this change? Nothing that Redis holds is believed without it.
 */
export function checkApproval(
  request: AccessRequest,
  cluster: Cluster,
  level: Level,
  digestNow: string,
  keys: SealKeys,
): ApprovalVerdict {
  const rule = ruleFor(cluster, level.name);
  if (!rule) return invalid(`no rule of the policy lets anybody ask for ${level.name} on ${cluster.name} any more`);
  const { approvals } = request;
  if (approvals.length === 0) return invalid("there is no approval");
  for (const approval of approvals) {
    const message = flawOf(approval, request, approversOf(rule, cluster), digestNow, keys);
    if (message !== null) return invalid(message);
  }
  const people = new Set(approvals.map(({ by }) => by));
  if (people.size < approvals.length) return invalid("somebody's approval counts twice in it");
  const needed = approvalsNeeded(rule, level);
  if (people.size < needed) {
    return invalid(
      `${people.size} ${people.size === 1 ? "person has" : "people have"} approved it, and ${needed} have to`,
    );
  }
  return { type: "valid" };
}

/** Why one approval does not hold; null: it does. */
function flawOf(
  approval: Decision,
  request: AccessRequest,
  approvers: readonly string[],
  digestNow: string,
  keys: SealKeys,
): string | null {
  const { seal: sealText, ...unsealed } = approval;
  if (approval.verdict !== "approved") return "there is no approval";
  if (!isSealed("decision", { ...unsealed, request: request.id }, sealText, keys)) {
    return "the approval does not carry our seal";
  }
  if (approval.by === request.requester) return "nobody can approve a request of their own";
  if (!approvers.includes(approval.by)) return "who approved it is no approver of the cluster any more";
  // A time that can't be read is before nothing: what is doubtful is over.
  if (!(Date.parse(approval.at) < Date.parse(request.lapsesAt))) return "it was approved after it had lapsed";
  if (approval.digest !== digestNow) {
    return "the request, the policy or the principal's entry in aws-auth is not what was approved";
  }
  return null;
}

function invalid(message: string): ApprovalVerdict {
  return { type: "void", message };
}
