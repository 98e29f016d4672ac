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
  | "approved-already"
  | "lapsed"
  | "already-decided"
  | "no-preview"
  | "change-differs"
  | "no-rule";

/** The approval that was given last: the lease is counted from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}
