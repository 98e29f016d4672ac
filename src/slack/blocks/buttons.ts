import type { Button } from "@slack/types";
import type { Act } from "../../access/policy/acts.ts";
import { isPermanent } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";

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

/** Bound to the change that the message shows. */
export const approveButton = (request: AccessRequest): Button =>
  button(approveAction, "Approve", decideValue(request), "primary");
export const denyButton = (request: AccessRequest): Button =>
  button(denyAction, "Deny", decideValue(request), "danger");

function decideValue({ id, preview }: AccessRequest): string {
  return JSON.stringify({ request: id, digest: preview?.digest ?? "" });
}

export const detailsButton = ({ id }: Pick<AccessRequest, "id">, label = "Details"): Button =>
  button(detailsAction, label, id);
export const extendButton = ({ id }: AccessRequest): Button => button(extendAction, "Extend", id);
/** What is permanent has nothing to extend. */
export const extendButtons = (request: AccessRequest): Button[] =>
  isPermanent(request.durationSeconds) ? [] : [extendButton(request)];
export const doneButton = ({ id }: AccessRequest): Button => button(doneAction, "I'm done", id);

export const revokeButton = ({ id }: AccessRequest): Button => button(revokeAction, "Revoke", id);

export const reviewedButton = ({ id }: AccessRequest): Button => button(reviewedAction, "Reviewed", id, "primary");

export function cancelButton({ id, level, cluster }: AccessRequest): Button {
  const text = (value: string) => ({ type: "plain_text" as const, text: value });
  return {
    ...button(cancelAction, "Cancel", id),
    confirm: {
      title: text("Cancel the request?"),
      text: text(`This withdraws your request for ${level} on ${cluster}.`),
      confirm: text("Cancel it"),
      deny: text("Keep it"),
    },
  };
}

export const requestButton = (style?: Style): Button => button(requestAction, "Ask for access", "request", style);

export function listButton(action: keyof typeof listActions, label: string, view: ListView, offset: number): Button {
  return button(listActions[action], label, JSON.stringify({ view, offset }));
}

/** A row shows no change, so approvers get a button that leads to it. */
export function rowButtons(request: AccessRequest, acts: readonly Act[]): Button[] {
  const decides = acts.includes("approve") || acts.includes("deny");
  return [
    detailsButton(request, decides ? "Review" : "Details"),
    ...(acts.includes("cancel") ? [cancelButton(request)] : []),
    ...(acts.includes("extend") ? [extendButton(request)] : []),
    ...(acts.includes("revoke") ? [revokeButton(request)] : []),
  ];
}

/** The requests in a list: `mine`, `pending`, `active`, or those of one cluster. */
export type ListView =
  | { readonly kind: "mine" }
  | { readonly kind: "pending" }
  | { readonly kind: "active" }
  | { readonly kind: "cluster"; readonly cluster: string };
/** The `action_id` of each button. A button does the same in a message, a list, a form and App Home. */
/** Value: `{"request": …, "digest": …}`, which binds the click to the change that the message shows. */
export const approveAction = "approve";
/** Opens a form for the reason. The value of `approve`. */
export const denyAction = "deny";
/** Opens everything about a request or a migration. Value: its id. */
export const detailsAction = "details";
/** Opens a form that asks once more, and for a reason. Value: the request's id. */
export const revokeAction = "revoke";
/** Ends the holder's access at once, without a question. Value: the request's id. */
export const doneAction = "done";
/** Value: the request's id. */
export const extendAction = "extend";
/** Confirms that an approver reviewed emergency access. Value: the request's id. */
export const reviewedAction = "reviewed";
/** Value: the request's id. */
export const cancelAction = "cancel";
/** Opens the form of a request. Value: empty. */
export const requestAction = "request";
/** Show a page of a list. One id each: Slack takes an id once in a message. Value: the list, and the rows before the page. */
export const listActions = {
  previous: "list-previous",
  next: "list-next",
  mine: "list-mine",
  pending: "list-pending",
  active: "list-active",
} as const;

/** Asks for the migration of a cluster to access entries. Value: `{"cluster": …, "told": […]}`. */
export const askMigrationAction = "ask-migration";
/** Value: `{"migration": …, "digest": …}`, which binds the click to the plan that the message shows. */
export const approveMigrationAction = "approve-migration";
/** Opens a form for the reason. The value of `approve-migration`. */
export const denyMigrationAction = "deny-migration";
/** Value: the migration's id. */
export const withdrawMigrationAction = "withdraw-migration";
/** Value: the migration's id. */
export const retryMigrationAction = "retry-migration";
/** Value: the id of the request to repeat. */
export const askAgainAction = "ask-again";
/** Value: `{"user": …, "id": …}` of the proposal, so that a click never decides about another one. */
export const confirmLinkAction = "confirm-link";
/** The value of `confirm-link`. */
export const refuseLinkAction = "refuse-link";
