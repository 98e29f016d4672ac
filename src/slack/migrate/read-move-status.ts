import { refuseMoveClick } from "../../access/approval/decide-move.ts";
import { maySee } from "../../access/policy/may-see.ts";
import { moveActsOf } from "../../access/policy/move-acts.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { approveBelowAnswer, notYoursToSeeAnswer } from "../look/status-answer.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { moveRefusedAnswer, noSuchMoveAnswer } from "./move-answers.ts";
import { moveStatusAnswer } from "./move-status.ts";

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
