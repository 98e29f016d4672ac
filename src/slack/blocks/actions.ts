/** The `action_id` of each button. A button does the same wherever it stands: in a message, a list, a form, App Home. */

/** Value: `{"request": …, "digest": …}`, which binds the click to the change that the message shows. */
export const approveAction = "approve";
/** Opens a form for the reason. The value of `approve`. */
export const denyAction = "deny";
/** Opens all that is known of a request or a move, for whoever may see it. Value: its id. */
export const detailsAction = "details";
/** Opens a form that asks once more, and for a reason. Value: the request's id. */
export const revokeAction = "revoke";
/** Takes the access away at once, for whoever holds it: no question is asked. Value: the request's id. */
export const doneAction = "done";
/** Value: the request's id. */
export const extendAction = "extend";
/** Says that an approver has looked at access without an approval. Value: the request's id. */
export const reviewedAction = "reviewed";
/** Value: the request's id. */
export const cancelAction = "cancel";
/** Opens the form of a request. Value: empty. */
export const requestAction = "request";
/** Show a page of a list; each id may stand beside the others. Value: the list, and how many rows come before the page. */
export const listActions = {
  previous: "list-previous",
  next: "list-next",
  mine: "list-mine",
  pending: "list-pending",
  active: "list-active",
} as const;
/** Asks for the move of a cluster to access entries. Value: `{"cluster": …, "told": […]}`. */
export const askMigrationAction = "ask-move";
/** Value: `{"move": …, "digest": …}`, which binds the click to the plan that the message shows. */
export const approveMigrationAction = "approve-move";
/** Opens a form for the reason. The value of `approve-move`. */
export const denyMigrationAction = "deny-move";
/** Value: the move's id. */
export const withdrawMigrationAction = "withdraw-move";
/** Value: the move's id. */
export const retryMigrationAction = "retry-move";
/** Value: the id of the request that is asked for once more. */
export const askAgainAction = "ask-again";
/** Value: `{"user": …, "id": …}` of the proposal, so that a click never decides about another one. */
export const confirmLinkAction = "confirm-link";
/** The value of `confirm-link`. */
export const refuseLinkAction = "refuse-link";
