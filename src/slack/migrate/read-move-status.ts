import type { Button, KnownBlock } from "@slack/types";
import { refuseMoveClick } from "../../access/approval/decide-move.ts";
import type { ChainedEvent } from "../../access/audit/event.ts";
import type { DoneStep, Move } from "../../access/migration/move.ts";
import { maySee } from "../../access/policy/may-see.ts";
import type { MoveAct } from "../../access/policy/move-acts.ts";
import { moveActsOf } from "../../access/policy/move-acts.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, context, section, time, told } from "../blocks/mrkdwn.ts";
import { readRemoved } from "../look/read-removed.ts";
import { approveBelowAnswer, notYoursToSeeAnswer } from "../look/status-answer.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { timelineText } from "../show/timeline.ts";
import { moveRefusedAnswer, noSuchMoveAnswer } from "./move-answers.ts";
import { approveMoveButton, denyMoveButton, retryMoveButton, withdrawMoveButton } from "./move-buttons.ts";
import { moveBlocks } from "./move-message.ts";
import { moveState } from "./move-words.ts";

const buttonOf: Readonly<Record<MoveAct, (move: Move) => Button>> = {
  approve: approveMoveButton,
  deny: denyMoveButton,
  retry: retryMoveButton,
  withdraw: withdrawMoveButton,
};

/** Each with its proof; the thread has those of before. */
const mostProofs = 5;

/** A move of a hundred entries has more; its beginning and its end are shown. */
const mostEvents = 500;

/** All that is known of a move, for this reader. @throws AccessError */
export async function readMoveStatus(context: SlackContext, user: string, id: string): Promise<Message> {
  const move = await context.ledger.moves.get(id);
  if (!move) return (await readRemoved(context, user, id)) ?? noSuchMoveAnswer(id);
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

interface MoveStatus {
  readonly move: Move;
  /** The events that tell of it, in order. */
  readonly events: readonly ChainedEvent[];
  /** What the reader may do about it. */
  readonly acts: readonly MoveAct[];
}

/** Everything that is known of one move, for whoever may see it: the plan, how it stands, the proofs, what happened. */
export function moveStatusAnswer({ move, events, acts }: MoveStatus): Message {
  const elements = acts.map((act) => buttonOf[act](move));
  return {
    text: `${code(move.id)}: ${moveState(move)}`,
    blocks: [
      ...moveBlocks(move),
      ...(move.state === "pending" ? [context(`Lapses ${time(move.lapsesAt)}.`)] : proofBlocks(move.done)),
      section(`*What happened*, with the numbers of the audit log\n${timelineText(events, 1500)}`),
      ...(elements.length > 0 ? [{ type: "actions" as const, block_id: `move-status-${move.id}`, elements }] : []),
    ],
  };
}

function proofBlocks(done: readonly DoneStep[]): KnownBlock[] {
  if (done.length === 0) return [];
  const lines = done
    .slice(-mostProofs)
    .map(({ name, at, proof }) => `✓ ${code(name, 100)} ${time(at)}: ${told(proof.join(" "), 400)}`);
  const title = done.length > lines.length ? `*Proved*, the last ${lines.length} of ${done.length} steps` : "*Proved*";
  return [section(`${title}\n${lines.join("\n")}`)];
}
