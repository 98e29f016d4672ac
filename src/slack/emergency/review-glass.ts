import { review } from "../../access/approval/glass.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import { answerClick, type ButtonClick } from "../app/answer-click.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { reviewedAnswer, reviewRefusedAnswer } from "./glass-answers.ts";

/** An approver has looked at access that was given without an approval. @throws AccessError */
export async function reviewGlass(context: SlackContext, user: string, id: string): Promise<Message> {
  const request = await context.ledger.get(id);
  const turnedAway = await refuseActor(context, user, "review", request ?? { id, cluster: "" });
  if (turnedAway) return turnedAway;
  if (!request) return noSuchRequestAnswer(id);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`);
  const person = await personFor(context, cluster, user);
  const now = context.now();
  const verdict = review(request, cluster, person, context.keys.decision, now);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: "review", by: user, code: verdict.code, request });
    return reviewRefusedAnswer(verdict.code, request, cluster);
  }
  const event = eventOf("glass.reviewed", request, user, now, { memberships: person.memberships });
  const result = await recordChange(context, verdict.after, event, now);
  return result.type === "committed" ? reviewedAnswer(request) : reviewGlass(context, user, id);
}

/** The button Reviewed. */
export function handleReviewedButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => reviewGlass(context, click.body.user.id, click.action.value ?? ""));
}
