import { type ReviewRefusal, review, reviewersOf } from "../../access/approval/emergency.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, type Step, updateRequest } from "../../ledger/lifecycle.ts";
import { answerClick, type ButtonClick } from "../app/answer.ts";
import { type Command, idAndRest } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { answer, clusterGoneAnswer, type Message, noSuchRequestAnswer } from "../blocks/message.ts";
import { code, mention, mentions, time } from "../blocks/mrkdwn.ts";
import { refuseActor } from "../people/admission.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";

export const reviewed: Command = {
  word: "reviewed",
  usage: "<id>",
  summary: "confirms that you reviewed emergency access",
  forApprovers: true,
  records: true,
  run: (context, { user, rest }) => reviewEmergency(context, user, idAndRest(rest)[0]),
};

export function handleReviewedButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => reviewEmergency(context, click.body.user.id, click.action.value ?? ""));
}

/** Records that an approver reviewed emergency access. @throws AccessError */
export function reviewEmergency(context: SlackContext, user: string, id: string): Promise<Message> {
  return updateRequest(context, id, (request) => decideReview(context, user, id, request));
}

async function decideReview(
  context: SlackContext,
  user: string,
  id: string,
  request: AccessRequest | null,
): Promise<Step<AccessRequest, Message>> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  const turnedAway = await refuseActor(context, user, "review", request ?? { id, cluster: "" });
  if (turnedAway) return stop(turnedAway);
  if (!request) return stop(noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return stop(clusterGoneAnswer(request.cluster));
  const person = await personFor(context, cluster, user);
  const now = context.now();
  const verdict = review(request, cluster, person, context.keys.decision, now);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: "review", by: user, code: verdict.code, request });
    return stop(reviewRefusedAnswer(verdict.code, request, cluster));
  }
  const event = eventOf("emergency.reviewed", request, user, now, { memberships: person.memberships });
  return { type: "write", after: verdict.after, event, outcome: reviewedAnswer(request) };
}

function reviewedAnswer({ id }: AccessRequest): Message {
  return answer(`You reviewed ${code(id)}.`);
}

function reviewRefusedAnswer(refusal: ReviewRefusal, request: AccessRequest, cluster: Cluster): Message {
  const { id, emergency } = request;
  const others = mentions(reviewersOf(request, cluster));
  const reasons: Readonly<Record<ReviewRefusal, string>> = {
    "nothing-to-review": `${code(id)} is not emergency access: there is nothing to review.`,
    own: `You can't review your own emergency access. Ask ${others}.`,
    "not-an-approver": `Approvers of ${code(cluster.name)} review it. Ask ${others}.`,
    "reviewed-already": `${mention(emergency?.review?.by ?? "")} reviewed it ${time(emergency?.review?.at ?? "")}.`,
  };
  return answer(reasons[refusal]);
}
