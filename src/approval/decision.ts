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
  /**
   * Of an approval: everybody whose approval counts with it, this one included. The Slack process had looked that each of them has an
   * active account and is an approver at that moment. Absent in a denial and in a broken glass.
   */
  readonly stillApprovers?: readonly string[];
  /** Signed with the decision key: over all of the above and the request's id, `<key id>.<signature>`. */
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
  /** Who approved before and is no approver any more, by Slack user id, with the reason as a clause. */
  readonly departed: ReadonlyMap<string, string>;
  /** What the ledger says of the principal's other leases; absent: nobody looked, as for what is only shown. */
  readonly beside?: LeasesNow;
}

/** The approval that was given last: the lease is counted from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}

/** An approval that does not count any more, because of who gave it. */
export interface DroppedApproval {
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601: when it was dropped. */
  readonly at: string;
  /** A clause. */
  readonly why: string;
}

/**
 * So long the word of the last approval is believed that everybody who approved is still an approver. The worker can't ask Slack again.
 * It must outlast a wait for a cluster that can't be reached (`timing.approvalGoodFor`, an hour unless configured), and be over before
 * the next working day: who leaves a company leaves it between two of them.
 */
export const statementGoodForSeconds = 8 * 3600;

/** Whether each of these approvals is of somebody of whom the last one says that they are still an approver. */
export function areStillApprovers(approvals: readonly Decision[]): boolean {
  const still = lastApproval(approvals)?.stillApprovers ?? [];
  return approvals.every(({ by }) => still.includes(by));
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
