import type { KnownBlock } from "@slack/types";
import { isOver, type Move } from "../../access/migration/move.ts";
import type { Message } from "../blocks/message.ts";
import { code, context, mentions, section, time } from "../blocks/mrkdwn.ts";
import { droppedTexts, said } from "../blocks/words.ts";
import { approveMoveButton, denyMoveButton, retryMoveButton, withdrawMoveButton } from "./move-buttons.ts";
import { movePlanBlocks } from "./move-plan-blocks.ts";
import { moveState, moveTitle, moveTrouble } from "./move-words.ts";

/** What is posted first, to be changed into the message below: it has no button, and says nothing that can become untrue. */
export function openingMoveMessage(move: Move): Message {
  const title = moveTitle(move);
  const note = `Migration ${code(move.id)}. If its state does not follow here, a newer message has it.`;
  return { text: title, blocks: [section(`*${title}*`), context(note)] };
}

/** The message in the cluster's channel, through the whole life of a move. A pure function of the ledger's record. */
export function moveMessage(move: Move): Message {
  return {
    text: `${moveTitle(move)}: ${moveState(move)}`,
    blocks: [...moveBlocks(move), ...buttonBlocks(move)],
  };
}

/** Who asks for what, the plan with its steps, and how it stands: whoever decides by it reads the same wherever that is. */
export function moveBlocks(move: Move): KnownBlock[] {
  const trouble = moveTrouble(move);
  return [
    section(`*${moveTitle(move)}*\n${code(move.id)}, asked ${time(move.createdAt)}`),
    ...movePlanBlocks(move),
    ...voidedBlocks(move),
    ...(move.state === "pending" ? droppedTexts(move.dropped).map((text) => section(`:warning: ${text}`)) : []),
    section(moveState(move)),
    ...(trouble ? [section(trouble)] : []),
  ];
}

function voidedBlocks({ voided, state }: Move): KnownBlock[] {
  if (!voided || state !== "pending") return [];
  return [
    section(`:warning: The approvals by ${mentions(voided.by)} are void: ${said(voided.message, 400)}. Decide again.`),
  ];
}

/** The digest in the button binds the click to the plan that this message shows. */
function buttonBlocks(move: Move): KnownBlock[] {
  const { id, plan, trouble } = move;
  if (isOver(move) || !plan) return [];
  const retry = trouble ? [retryMoveButton(move)] : [];
  const elements =
    move.state === "pending"
      ? [approveMoveButton(move), denyMoveButton(move), withdrawMoveButton(move)]
      : [...retry, withdrawMoveButton(move)];
  return [{ type: "actions", block_id: `move-${id}-${plan.digest.slice(0, 12)}`, elements }];
}
