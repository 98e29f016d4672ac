import { remindersAfter } from "../request/reminder.ts";
import { type Move, reviseMove } from "./move.ts";

/** The record once a reminder that is due is sent, as of a request; null: none is. */
export function remindOfMove(move: Move, now: Date, afterSeconds: readonly number[]): Move | null {
  const { state, plan, reminders, lapsesAt } = move;
  if (state !== "pending" || !plan) return null;
  const after = remindersAfter({ askedAt: plan.at, lapsesAt, reminders }, now, afterSeconds);
  return after && reviseMove(move, { reminders: after });
}
