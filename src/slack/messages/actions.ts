/** The `action_id` of each button. A button does the same wherever it stands: in a message, a list, a form, App Home. */

/** Value: `{"request": …, "digest": …}`, which binds the click to the change that the message shows. */
export const approveAction = "approve";
/** Opens a form for the reason. The value of `approve`. */
export const denyAction = "deny";
/** Opens all that is known of a request, for whoever may see it. Value: the request's id. */
export const detailsAction = "details";
/** Opens a form that asks once more, and for a reason. Value: the request's id. */
export const revokeAction = "revoke";
/** Value: the request's id. */
export const extendAction = "extend";
/** Value: the request's id. */
export const cancelAction = "cancel";
