import type { AccessRequest } from "../../access/request/record.ts";
import { isRescue } from "../../access/rescue/lease.ts";
import { code, mention, time } from "../blocks/mrkdwn.ts";

/** The heading of access that nobody approved: loud, because it is read by who was not asked. */
export function emergencyTitle(request: AccessRequest): string {
  const { requester, level, cluster, principal } = request;
  if (isRescue(request)) {
    return `:rotating_light: *${mention(requester)} took emergency control of ${code(cluster)} to rescue it (no approval): ${code(principal)} becomes its administrator by an access entry*${ranAs(request)}`;
  }
  return `:rotating_light: *${mention(requester)} took emergency ${code(level)} on ${code(cluster)} (no approval)*`;
}

/** A rescue is no click in Slack: who ran it said themselves who they are there, and AWS says who they are to it. */
function ranAs({ emergency }: AccessRequest): string {
  const said = "Who they are in Slack is what whoever ran it said";
  return emergency?.as ? `\n${said}; to AWS they are ${code(emergency.as)}.` : `\n${said}.`;
}

/** Whether an approver has looked at it; empty where nobody has to. Without a full stop. */
export function reviewState({ emergency }: AccessRequest): string {
  if (!emergency) return "";
  if (!emergency.review) return "*Needs review* by an approver";
  return `Reviewed by ${mention(emergency.review.by)} ${time(emergency.review.at)}`;
}
