import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import type { DecisionRefusal } from "../../access/approval/decision.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { hoursInWords } from "../../access/policy/hours.ts";
import { ruleFor } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { answer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, mention, mentions, plainLine } from "../blocks/mrkdwn.ts";
import { stateOf } from "../blocks/words.ts";

/** Why a click did nothing, and who may. */
export function clickAnswer(refusal: DecisionRefusal, request: AccessRequest, cluster: Cluster): Message {
  const others = whoElse(request, cluster);
  const reasons: Readonly<Record<DecisionRefusal, string>> = {
    "already-decided": `This is handled already. ${stateOf(request)}.`,
    lapsed: "This request has lapsed. Ask for a new one.",
    "self-approval": `You can't decide about your own request. Ask ${others}.`,
    "not-an-approver": `You're not an approver for ${code(request.level)} on ${code(cluster.name)}. Ask ${others}.`,
    "own-principal": `You are linked with ${code(request.principal)}, so you would get this access yourself. Ask another approver.`,
    "approved-already": `You have approved it. ${missing(request)}, from ${others}.`,
    "no-preview": "The worker is looking at the cluster again. The buttons come back when it is done.",
    "change-differs": "The change is no longer the one that you saw. Read the message again, then decide.",
    "no-rule": `The policy does not let ${mention(request.requester)} ask for ${code(request.level)} on ${code(cluster.name)} any more.`,
    quiet: `${code(cluster.name)} takes no requests now: ${plainLine(cluster.quiet ?? "").replace(/\.$/, "")}. You can still deny.`,
    "outside-hours": `The policy lets nobody approve it at this time${hours(request, cluster)}. You can still deny.`,
    "requester-differs": `What the policy says of ${mention(request.requester)} has changed. The worker looks again; then decide anew.`,
    "leases-differ": `Another lease of ${code(request.principal)} has begun or ended since you were shown the change. The worker looks again; then decide anew.`,
    "lease-over": `${code(request.extends ?? "")} has ended, so there is nothing to extend any more. ${mention(request.requester)} can ask for access again.`,
  };
  return answer(reasons[refusal]);
}

function hours({ level, requester, standing }: AccessRequest, cluster: Cluster): string {
  const rule = ruleFor(cluster, level, { user: requester, memberships: standing.memberships });
  return rule?.hours ? `, only ${hoursInWords(rule.hours)}` : "";
}

/** An approval that is one of several: what is still missing. */
export function oneOfSeveralAnswer(after: AccessRequest, cluster: Cluster): Message {
  return answer(`Your approval is recorded. ${missing(after)}, from ${whoElse(after, cluster)}.`);
}

function missing({ approvals, approvalsWanted }: AccessRequest): string {
  const left = Math.max(1, approvalsWanted - approvals.length);
  return `${left} more approval${left === 1 ? " is" : "s are"} needed`;
}

function whoElse(request: AccessRequest, cluster: Cluster): string {
  return mentions(othersWhoMayApprove(request, cluster)) || "nobody else; an operator has to add an approver";
}
