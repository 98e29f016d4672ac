import type { LeasesNow } from "../grant/other-leases.ts";
import type { Standing } from "../policy/person.ts";

/** One approver's answer to one exact change, sealed. */
export interface Decision {
  /** `broke-glass`: the requester's own word, for an emergency; it stands where approvals would. */
  readonly verdict: "approved" | "denied" | "broke-glass";
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** The digest of the change that the approver saw. */
  readonly digest: string;
  readonly why: string;
  /**
   * What Slack said at that moment: which user groups of the policy the approver is of, and the requester's standing.
   * The worker can't ask Slack, and goes by this. Absent in what an older version sealed.
   */
  readonly memberships?: readonly string[];
  readonly requester?: Standing;
  /** The ARN that the approver's account was linked with at that moment; null: none. Absent where nobody looked. */
  readonly linked?: string | null;
  /** HMAC over all of the above and the request's id: `<key id>.<hex>`. */
  readonly seal: string;
}

export type DecisionRefusal =
  | "self-approval"
  | "not-an-approver"
  /** The approver is linked with the principal that gets access. */
  | "own-principal"
  | "approved-already"
  | "lapsed"
  | "already-decided"
  | "no-preview"
  | "change-differs"
  | "no-rule"
  | "quiet"
  | "outside-hours"
  /** What the policy goes by about the requester is another than when the worker looked: it looks again. */
  | "requester-differs"
  /** Another lease of the principal has begun or ended since the worker looked: it looks again. */
  | "leases-differ"
  /** The lease that it extends is over: the worker closes it. */
  | "lease-over";

/** What Slack says of people at the moment of a click. */
export interface Facts {
  /** By Slack user id: which of the policy's user groups and e-mail domains they are of. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  /** The requester's. */
  readonly standing: Standing;
  /** By Slack user id: the ARN that who clicks, and who approved before, is linked with. Absent: nobody looked, as for what is only shown. */
  readonly links?: ReadonlyMap<string, string>;
  /** What the ledger says of the principal's other leases; absent: nobody looked, as for what is only shown. */
  readonly beside?: LeasesNow;
}

/** The approval that was given last: the lease is counted from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}

/** The clocks of the two processes may differ by so much, milliseconds: NTP keeps them much closer. */
const mostAheadMs = 60_000;

/**
 * Whether somebody's word is dated later than clocks can explain, or at no time that can be read: it is void. A lease is counted
 * from it, so a date in the future would be access for years.
 */
export function isAhead({ at }: Pick<Decision, "at">, now: Date): boolean {
  return !(Date.parse(at) <= now.getTime() + mostAheadMs);
}
