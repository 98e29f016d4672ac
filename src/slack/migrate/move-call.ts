import type { Move } from "../../access/migration/move.ts";
import { detailsButton } from "../blocks/buttons.ts";
import { section, time } from "../blocks/mrkdwn.ts";
import type { Milestone } from "../lease/requester-message.ts";
import { moveState, moveTitle } from "./move-words.ts";

/**
 * What calls an approver in a direct message where the channel can't, when they are asked and with each reminder. It shows no
 * plan, which may be another one when they read it, and leads to it. Null: nobody has to decide.
 */
export function moveCall(move: Move): Milestone | null {
  const { state, plan, reminders, lapsesAt } = move;
  if (state !== "pending" || !plan) return null;
  const why = "The channel of the cluster can't be reached, so you are asked here";
  const text = `${moveTitle(move)}. ${moveState(move)}. ${why}. It lapses ${time(lapsesAt)}.`;
  const actions = { type: "actions" as const, elements: [detailsButton(move, "Review")] };
  return { name: `call-${plan.at}-${reminders?.sent ?? 0}`, message: { text, blocks: [section(text), actions] } };
}
