import { refuseMoveClick } from "../../approval/decide-move.ts";
import { maySee } from "../../policy/may-see.ts";
import { moveActsOf } from "../../policy/move-acts.ts";
import { refuseActor } from "../admission.ts";
import { noteAttempt } from "../attempts.ts";
import type { SlackContext } from "../context.ts";
import { failureAnswer } from "../messages/answers.ts";
import type { Message } from "../messages/message.ts";
import { moveRefusedAnswer, noSuchMoveAnswer } from "../messages/move-answers.ts";
import { moveStatusAnswer } from "../messages/move-status.ts";
import { approveBelowAnswer, notYoursToSeeAnswer } from "../messages/status-answer.ts";
import { personFor } from "../standing.ts";

/** A move of a hundred entries has more; its beginning and its end are shown. */
const mostEvents = 500;

/** All that is known of a move, for this reader. @throws AccessError */
export async function readMoveStatus(context: SlackContext, user: string, id: string): Promise<Message> {
  const move = await context.ledger.moves.get(id);
  if (!move) return noSuchMoveAnswer(id);
  const cluster = context.config.clusters.get(move.cluster);
  const person = await personFor(context, cluster, user);
  if (!maySee(move, cluster, person)) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: move });
    return notYoursToSeeAnswer(move);
  }
  const events = await context.ledger.eventsOf(id, mostEvents);
  return moveStatusAnswer({ move, events, acts: moveActsOf(move, cluster, person, context.now()) });
}

/** What a typed `approve` is answered with: the plan, above the button that carries its digest (law 4). @throws AccessError */
export async function readMoveToApprove(context: SlackContext, user: string, id: string): Promise<Message> {
  const move = await context.ledger.moves.get(id);
  if (!move) return noSuchMoveAnswer(id);
  const turnedAway = await refuseActor(context, user, "approve", move);
  if (turnedAway) return turnedAway;
  const cluster = context.config.clusters.get(move.cluster);
  if (!cluster) return failureAnswer(`The cluster ${move.cluster} is not configured any more. Ask an operator.`);
  const click = { verdict: "approved", digest: move.plan?.digest ?? "", why: "" } as const;
  const refusal = refuseMoveClick(move, cluster, await personFor(context, cluster, user), click, context.now());
  if (refusal) {
    await noteAttempt(context, { act: "approve", by: user, code: refusal, request: move });
    return moveRefusedAnswer(refusal, move, cluster);
  }
  return approveBelowAnswer(await readMoveStatus(context, user, id));
}
