import { type ReviewRefusal, reviewersOf } from "../../access/approval/emergency.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { answer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, mention, mentions, plainLine, time } from "../blocks/mrkdwn.ts";
import { durationOf } from "../blocks/words.ts";

const line = code("/eks-access break-glass <cluster> [<arn>] <reason>");

/** Access is on its way, and everybody hears of it. */
export function emergencyAnswer(request: AccessRequest, cluster: Cluster): Message {
  const { id, level, principal, lease } = request;
  const until = time(lease?.endsAt ?? request.createdAt);
  return answer(
    `You took emergency access to ${code(cluster.name)}: ${code(level)} for ${code(principal)}, ${durationOf(request)}, until ${until} (${code(id)}). ` +
      "It is being applied; you get a message when it is active. The channel sees it now, and an approver reviews it.",
  );
}

export function emergencyMistakeAnswer(mistake: string): Message {
  return answer(`Nothing was given. ${plainLine(mistake)} Write ${line}.`);
}

export function mayNotTakeEmergencyAnswer({ name, breakGlass }: Cluster): Message {
  const who = breakGlass ? `Only ${whoWords(breakGlass.who)} can.` : "The policy allows it to no one.";
  return answer(
    `You can't use break-glass on ${code(name)}. ${who} Use ${code("/eks-access request")} instead. The attempt was logged.`,
  );
}

function whoWords(who: readonly string[]): string {
  const domains = who.filter((each) => each.startsWith("@")).map((domain) => `everybody of ${code(domain)}`);
  const people = who.filter((each) => !each.startsWith("@"));
  return [...(people.length > 0 ? [mentions(people)] : []), ...domains].join(", ");
}

export function reviewedAnswer({ id }: AccessRequest): Message {
  return answer(`Your review of ${code(id)} is recorded.`);
}

export function reviewRefusedAnswer(refusal: ReviewRefusal, request: AccessRequest, cluster: Cluster): Message {
  const { id, emergency } = request;
  const others = mentions(reviewersOf(request, cluster));
  const reasons: Readonly<Record<ReviewRefusal, string>> = {
    "nothing-to-review": `${code(id)} was asked for and decided: there is nothing to review.`,
    own: `You can't review your own emergency access. Ask ${others}.`,
    "not-an-approver": `Approvers of ${code(cluster.name)} review it. Ask ${others}.`,
    "reviewed-already": `${mention(emergency?.review?.by ?? "")} has reviewed it ${time(emergency?.review?.at ?? "")}.`,
  };
  return answer(reasons[refusal]);
}
