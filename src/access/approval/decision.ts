import type { OtherLeasesNow } from "../lease/lease-record.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { RequesterFacts } from "../policy/person.ts";
import { approversOf, ruleFor } from "../policy/rule.ts";
import { type AccessRequest, type Decision, isTheirs } from "../request/record.ts";
import type { LinkedArns } from "./links.ts";

export type DecisionRefusal =
  | "self-approval"
  | "not-an-approver"
  /** The approver uses the principal that gets access. */
  | "own-principal"
  /** It is unknown now whether the approver is the person of Identity Center who gets access. */
  | "own-principal-unknown"
  | "approved-already"
  | "expired"
  | "already-decided"
  | "no-preview"
  | "change-differs"
  | "no-rule"
  | "quiet"
  | "outside-hours"
  /** The requester's groups changed after the preview: the worker looks again. */
  | "requester-differs"
  /** Another lease of the principal began or ended after the preview: the worker looks again. */
  | "leases-differ"
  /** The lease to extend is over: the worker closes the request. */
  | "lease-over";

/** Slack's and the ledger's answers at the moment of a click. */
export interface DecisionFacts {
  /** By Slack user id: the user groups and e-mail domains of the policy that the person belongs to. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  readonly requesterFacts: RequesterFacts;
  /** Of the approvers, by Slack user id. Absent: not looked up, as for a display. */
  readonly links?: LinkedArns;
  /** Whether it is unknown if the access is for the approver who clicks. */
  readonly isOwnUnknown?: boolean;
  /** Former approvers by Slack user id, with the reason as a clause. */
  readonly departed: ReadonlyMap<string, string>;
  /** The principal's other leases in the ledger. Absent: not looked up, as for a display. */
  readonly otherLeases?: OtherLeasesNow;
}

/** The newest approval: the lease counts from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  if (approvals.length < 2) return approvals[0];
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}

/**
 * How long the last approval's list of approvers is valid: longer than `timing.approvalGoodFor`, shorter than a night, in which
 * people leave.
 */
export const approversConfirmedForSeconds = 8 * 3600;

/** Whether the last approval names each of these approvers as a current one. */
export function areStillApprovers(approvals: readonly Decision[]): boolean {
  const still = lastApproval(approvals)?.stillApprovers ?? [];
  return approvals.every(({ by }) => still.includes(by));
}

/** How far the clocks of the two processes may differ, in milliseconds. NTP keeps them much closer. */
const maxAheadMs = 60_000;

/**
 * Whether a decision has a future or unreadable date. It counts for nothing: a lease counts from it, so a future date would give
 * access for years.
 */
export function isDatedAhead({ at }: Pick<Decision, "at">, now: Date): boolean {
  return !(Date.parse(at) <= now.getTime() + maxAheadMs);
}

/** The remaining approvers of this request: neither its people nor those who approved. Slack user ids and user groups. */
export function othersWhoMayApprove(request: AccessRequest, cluster: Cluster): readonly string[] {
  const { level, requester, requesterFacts, approvals } = request;
  const rule = ruleFor(cluster, level, { user: requester, memberships: requesterFacts.memberships });
  const given = approvals.map(({ by }) => by);
  const others = (rule ? approversOf(rule, cluster) : []).filter((each) => !given.includes(each));
  return rule?.selfApproval ? others : others.filter((each) => !isTheirs(request, each));
}
