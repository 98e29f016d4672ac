import type { Button } from "@slack/types";
import type { AccessRequest } from "../../request/request.ts";
import { approveAction, cancelAction, denyAction, detailsAction, extendAction, revokeAction } from "./actions.ts";

/** Slack's own look: one primary button in a place at the most. */
type Style = "primary" | "danger";

function button(action: string, label: string, value: string, style?: Style): Button {
  return {
    type: "button",
    action_id: action,
    text: { type: "plain_text", text: label },
    value,
    ...(style && { style }),
  };
}

/** Bound to the change that stands beside it. */
export const approveButton = (request: AccessRequest): Button =>
  button(approveAction, "Approve", decideValue(request), "primary");
export const denyButton = (request: AccessRequest): Button =>
  button(denyAction, "Deny", decideValue(request), "danger");

function decideValue({ id, preview }: AccessRequest): string {
  return JSON.stringify({ request: id, digest: preview?.digest ?? "" });
}

export const detailsButton = ({ id }: AccessRequest, label = "Details"): Button => button(detailsAction, label, id);
export const extendButton = ({ id }: AccessRequest): Button => button(extendAction, "Extend", id);
export const revokeButton = ({ id }: AccessRequest): Button => button(revokeAction, "Revoke", id);

export function cancelButton({ id, level, cluster }: AccessRequest): Button {
  const text = (value: string) => ({ type: "plain_text" as const, text: value });
  return {
    ...button(cancelAction, "Cancel", id),
    confirm: {
      title: text("Take the request back?"),
      text: text(`Nobody will be asked any more about ${level} on ${cluster}.`),
      confirm: text("Take it back"),
      deny: text("Keep it"),
    },
  };
}
