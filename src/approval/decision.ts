/** One approver's answer to one exact change, sealed. */
export interface Decision {
  readonly verdict: "approved" | "denied";
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** The digest of the change that the approver saw. */
  readonly digest: string;
  readonly why: string;
  /** HMAC over all of the above and the request's id: `<key id>.<hex>`. */
  readonly seal: string;
}

export type DecisionRefusal =
  | "self-approval"
  | "not-an-approver"
  | "lapsed"
  | "already-decided"
  | "no-preview"
  | "change-differs";
