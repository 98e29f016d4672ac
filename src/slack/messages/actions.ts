/** The `action_id` of each button. A button does the same wherever it stands: in a message, a list, App Home. */

/** Value: `{"request": …, "digest": …}`, which binds the click to the change that the message shows. */
export const approveAction = "approve";
/** The value of `approve`. */
export const denyAction = "deny";
/** Value: the request's id. */
export const revokeAction = "revoke";
/** Value: the request's id. */
export const extendAction = "extend";
