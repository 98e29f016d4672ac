import type { Button, KnownBlock } from "@slack/types";
import type { Move } from "../../access/migration/move.ts";
import type { MoveAct } from "../../access/policy/move-acts.ts";
import { detailsButton } from "../blocks/buttons.ts";
import { code, cut, mention, section, time } from "../blocks/mrkdwn.ts";
import { retryMoveButton, withdrawMoveButton } from "./move-buttons.ts";
import { moveState, moveTrouble } from "./move-words.ts";

/** A move with what the reader may do about it. */
export interface MoveRow {
  readonly move: Move;
  readonly acts: readonly MoveAct[];
}

/** A move among others, in two blocks. `place` names the list that it stands in. */
export function moveRowBlocks({ move, acts }: MoveRow, place: string): KnownBlock[] {
  const { id, cluster, requester, state, lapsesAt } = move;
  const lapses = state === "pending" ? `. Lapses ${time(lapsesAt)}` : "";
  const who = `*Migration of ${code(cluster)} to access entries* (${code(id)}), asked by ${mention(requester)}${lapses}`;
  const trouble = moveTrouble(move, 400);
  return [
    section([who, cut(moveState(move), 700), ...(trouble ? [trouble] : [])].join("\n")),
    { type: "actions", block_id: `${place}-${id}`, elements: rowButtons(move, acts) },
  ];
}

/** What is decided is a plan, and a row shows none. */
function rowButtons(move: Move, acts: readonly MoveAct[]): Button[] {
  return [
    detailsButton(move, acts.includes("deny") ? "Review" : "Details"),
    ...(acts.includes("retry") ? [retryMoveButton(move)] : []),
    ...(acts.includes("withdraw") ? [withdrawMoveButton(move)] : []),
  ];
}
