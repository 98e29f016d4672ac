import type { Button } from "@slack/types";
import type { Move } from "../../access/migration/move.ts";
import {
  approveMoveAction,
  askMoveAction,
  denyMoveAction,
  retryMoveAction,
  withdrawMoveAction,
} from "../blocks/actions.ts";

/** Slack's bound on the value of a button. */
const longestValue = 2000;

const text = (value: string) => ({ type: "plain_text" as const, text: value });

function button(action: string, label: string, value: string): Button {
  return { type: "button", action_id: action, text: text(label), value };
}

/** Bound to the plan that stands beside it. */
export const approveMoveButton = (move: Move): Button => ({
  ...button(approveMoveAction, "Approve this plan", decideValue(move)),
  style: "primary",
});
/** Opens a form for the reason. */
export const denyMoveButton = (move: Move): Button => ({
  ...button(denyMoveAction, "Deny", decideValue(move)),
  style: "danger",
});

function decideValue({ id, plan }: Move): string {
  return JSON.stringify({ move: id, digest: plan?.digest ?? "" });
}

export function withdrawMoveButton({ id, state }: Move): Button {
  const running = state === "running";
  return {
    ...button(withdrawMoveAction, running ? "Stop" : "Withdraw", id),
    confirm: {
      title: text(running ? "Stop the migration?" : "Withdraw the migration?"),
      text: text(
        running
          ? "A step that has begun is seen to its end. What was carried out stays: whoever could sign in before still can."
          : "Nobody will be asked any more.",
      ),
      confirm: text(running ? "Stop it" : "Withdraw it"),
      deny: text("Go on"),
    },
  };
}

export const retryMoveButton = ({ id }: Move): Button => button(retryMoveAction, "Try again", id);

/** Null: the paths that were told do not fit into a button. */
export function askMoveButton(cluster: string, told: readonly string[]): Button | null {
  const value = JSON.stringify({ cluster, told });
  return value.length > longestValue ? null : button(askMoveAction, "Ask for this move", value);
}
