import type { OtherLeasesNow } from "../lease/lease-record.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { Standing } from "../policy/person.ts";
import { approversOf, ruleFor } from "../policy/rule.ts";
import type { AccessRequest, Decision } from "../request/record.ts";
import type { LinkedArns } from "./links.ts";

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
  /** The requester's groups changed since the preview: the worker looks again. */
  | "requester-differs"
  /** Another lease of the principal has begun or ended since the worker looked: it looks again. */
  | "leases-differ"
  /** The lease that it extends is over: the worker closes it. */
  | "lease-over";

/** What Slack says of people at the moment of a click. */
export interface DecisionFacts {
  /** By Slack user id: which of the policy's user groups and e-mail domains they are of. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  /** The requester's. */
  readonly standing: Standing;
  /** Of who clicks and of earlier approvers. Absent: not looked up, as for a display. */
  readonly links?: LinkedArns;
  /** Earlier approvers who are none any more, by Slack user id, with the reason as a clause. */
  readonly departed: ReadonlyMap<string, string>;
  /** What the ledger says of the principal's other leases; absent: not looked up, as for a display. */
  readonly otherLeases?: OtherLeasesNow;
}

/** The approval that was given last: the lease is counted from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  // Nearly always there is one, and each run asks this of each lease.
  if (approvals.length < 2) return approvals[0];
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}

/**
 * How long the last approval's list of approvers is believed: the worker can't ask Slack. Longer than
 * `timing.approvalGoodFor`, shorter than the time between two working days, in which people leave a company.
 */
export const approversConfirmedForSeconds = 8 * 3600;

/** Whether the last approval names the approver of each of these as still an approver. */
export function areStillApprovers(approvals: readonly Decision[]): boolean {
  const still = lastApproval(approvals)?.stillApprovers ?? [];
  return approvals.every(({ by }) => still.includes(by));
}

/** The clocks of the two processes may differ by so much, milliseconds: NTP keeps them much closer. */
const mostAheadMs = 60_000;

/**
 * Whether a decision is dated ahead of what clocks explain, or has no readable date. It then counts for nothing: a lease
 * counts from it, so a date in the future would be access for years.
 */
export function isDatedAhead({ at }: Pick<Decision, "at">, now: Date): boolean {
  return !(Date.parse(at) <= now.getTime() + mostAheadMs);
}

/** Who may still approve this request: neither the requester, nor who has approved it already. Slack user ids and user groups. */
export function othersWhoMayApprove(request: AccessRequest, cluster: Cluster): readonly string[] {
  const { level, requester, standing, approvals } = request;
  const rule = ruleFor(cluster, level, { user: requester, memberships: standing.memberships });
  const given = approvals.map(({ by }) => by);
  const others = (rule ? approversOf(rule, cluster) : []).filter((each) => !given.includes(each));
  return rule?.selfApproval ? others : others.filter((each) => each !== requester);
}
