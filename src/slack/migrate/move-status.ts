import type { Button, KnownBlock } from "@slack/types";
import type { ChainedEvent } from "../../access/audit/event.ts";
import type { DoneStep, Move } from "../../access/migration/move.ts";
import type { MoveAct } from "../../access/policy/move-acts.ts";
import type { Message } from "../blocks/message.ts";
import { code, context, section, time, told } from "../blocks/mrkdwn.ts";
import { timelineText } from "../show/timeline.ts";
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

export interface MoveStatus {
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
