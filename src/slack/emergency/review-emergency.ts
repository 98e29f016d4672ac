import { review } from "../../access/approval/emergency.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, type RequestStep, updateRequest } from "../../ledger/record-change.ts";
import { answerClick, type ButtonClick } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { reviewedAnswer, reviewRefusedAnswer } from "./emergency-answers.ts";

/** An approver has looked at access that was given without an approval. @throws AccessError */
export function reviewEmergency(context: SlackContext, user: string, id: string): Promise<Message> {
  return updateRequest(context, id, (request) => decideReview(context, user, id, request));
}

async function decideReview(
  context: SlackContext,
  user: string,
  id: string,
  request: AccessRequest | null,
): Promise<RequestStep<Message>> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  const turnedAway = await refuseActor(context, user, "review", request ?? { id, cluster: "" });
  if (turnedAway) return stop(turnedAway);
  if (!request) return stop(noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster)
    return stop(failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`));
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

/** The button Reviewed. */
export function handleReviewedButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => reviewEmergency(context, click.body.user.id, click.action.value ?? ""));
}
