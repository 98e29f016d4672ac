/**
 * What a reconcile run decides: each rule is one line of a table, with a fixture of its name in test/fixtures/reconcile. All of it is
 * pure: `src/worker/reconcile` gathers the facts, and acts on the outcomes.
 */

/** A table of rules, in their order: the first that applies decides, and the last always applies. */
type Rules<Facts, Outcome> = Readonly<Record<string, (facts: Facts) => Outcome | null>>;

interface RuleDecision<Outcome> {
  readonly rule: string;
  readonly outcome: Outcome;
}

function decideBy<Facts, Outcome>(rules: Rules<Facts, Outcome>): (facts: Facts) => RuleDecision<Outcome> {
  const table = Object.entries(rules);
  return (facts) => {
    for (const [rule, outcomeOf] of table) {
      const outcome = outcomeOf(facts);
      if (outcome !== null) return { rule, outcome };
    }
    throw new Error("The last rule always applies.");
  };
}

export interface LeaseFacts {
  /** What the ledger says is due: its lease begins, is in force, or is over. */
  readonly due: "begin" | "keep" | "end";
  readonly cluster: string;
  /** The cluster remembers that its approval was taken back: the record is an old one. */
  readonly isTakenBack: boolean;
  /** By its share in the cluster's own memory its time is over. */
  readonly isOverInCluster: boolean;
  /** The cluster's own memory has a share of it. */
  readonly isWritten: boolean;
  /** The cluster no longer knows whether its approval was taken back. */
  readonly mayBeForgotten: boolean;
  /** Set where the approval is older than an approval may be before its first write: that time, for people. */
  readonly tooOldFor: string | null;
  /** Why the seals, the policy or the digest do not approve what would be written now; null: they do. */
  readonly approvalFlaw: string | null;
  /** An earlier run found that the approval does not count. */
  readonly wasVoid: boolean;
  /** Why it is not what its approver was shown beside the principal's other leases; null: it is. */
  readonly besideFlaw: string | null;
  /** What of its part is missing in the cluster; null: nothing is. */
  readonly missing: string | null;
  /** The configuration says that a missing part is put back, and it can be put back this way. */
  readonly mayRepair: boolean;
  /** Why the missing part must not be put back; null: it may be. */
  readonly repairFlaw: string | null;
  /** Why the plan can't change the entry of its principal; null: it can, or there is no plan yet. */
  readonly refusal: string | null;
}

export type LeaseOutcome =
  | { readonly type: "begin" }
  | { readonly type: "refuse"; readonly message: string }
  | { readonly type: "keep" }
  | { readonly type: "repair" }
  | { readonly type: "end" }
  /** Its part can't be removed now: the next run tries again. */
  | { readonly type: "put-off"; readonly message: string }
  /** Its approval does not hold: it is asked for again. */
  | { readonly type: "void"; readonly message: string }
  | { readonly type: "drift"; readonly message: string };

const asVoid = (message: string): LeaseOutcome => ({ type: "void", message });
const asDrift = (message: string): LeaseOutcome => ({ type: "drift", message });

const forgotten = (cluster: string) => `it is older than the revocations that ${cluster} remembers`;
const tooOld = (time: string) => `it is older than ${time}, and none of it was written`;

const end: LeaseOutcome = { type: "end" };

/** Ends come first, and what is doubtful is never given. */
const endRules = {
  "cannot-be-removed": (is) =>
    is.refusal !== null && endsByRule(is) ? { type: "put-off", message: is.refusal } : null,
  "ended-in-the-ledger": ({ due }) => (due === "end" ? end : null),
  "taken-back": ({ isTakenBack }) => (isTakenBack ? end : null),
  "over-in-the-cluster": ({ isOverInCluster }) => (isOverInCluster ? end : null),
} as const satisfies Rules<LeaseFacts, LeaseOutcome>;

const beginRules = {
  "maybe-forgotten": (is) => (!is.isWritten && is.mayBeForgotten ? asVoid(forgotten(is.cluster)) : null),
  "approved-too-long-ago": (is) => (!is.isWritten && is.tooOldFor !== null ? asVoid(tooOld(is.tooOldFor)) : null),
  "approval-does-not-hold": ({ approvalFlaw }) => (approvalFlaw === null ? null : asVoid(approvalFlaw)),
  "void-before": ({ wasVoid }) => (wasVoid ? asVoid("it did not count before") : null),
  "not-shown-beside-another": ({ besideFlaw }) => (besideFlaw === null ? null : asVoid(besideFlaw)),
  "cannot-be-given": ({ refusal }) => (refusal === null ? null : { type: "refuse", message: refusal }),
  begin: () => ({ type: "begin" }),
} as const satisfies Rules<LeaseFacts, LeaseOutcome>;

const keepRules = {
  keep: ({ missing }) => (missing === null ? { type: "keep" } : null),
  "report-drift": ({ missing, mayRepair }) => (missing === null || mayRepair ? null : asDrift(missing)),
  "must-not-repair": ({ missing, repairFlaw }) =>
    repairFlaw === null ? null : asDrift(`${missing}; it is not put back: ${repairFlaw}`),
  "cannot-be-put-back": ({ refusal }) => (refusal === null ? null : asDrift(refusal.replace(/\.$/, ""))),
  repair: () => ({ type: "repair" }),
} as const satisfies Rules<LeaseFacts, LeaseOutcome>;

const decideBeginning = decideBy<LeaseFacts, LeaseOutcome>({ ...endRules, ...beginRules });
const decideInForce = decideBy<LeaseFacts, LeaseOutcome>({ ...endRules, ...keepRules });

/** What becomes of one approved request. Facts that no rule asks for need not be known. */
export function decideLease(facts: LeaseFacts): RuleDecision<LeaseOutcome> {
  return facts.due === "keep" ? decideInForce(facts) : decideBeginning(facts);
}

/** Whether a rule ends it, whatever else is true of it. */
export function endsByRule(facts: Pick<LeaseFacts, "due" | "isTakenBack" | "isOverInCluster">): boolean {
  return facts.due === "end" || facts.isTakenBack || facts.isOverInCluster;
}

/** What decides about a lease for which a run could not do what was decided. */
export interface FailureFacts {
  /** The lease is over, or another run has proved it since this one read its record. */
  readonly isSettled: boolean;
  /** Something of it may be in the cluster, or a call that gives it may still arrive there. */
  readonly mayBeWritten: boolean;
  /** Waiting does not help. */
  readonly isFinal: boolean;
}

/** Nothing is recorded; the next run tries again; or the lease fails. */
export type FailureOutcome = "leave" | "put-off" | "fail";

const failureRules = {
  "settled-meanwhile": ({ isSettled }) => (isSettled ? "leave" : null),
  "may-be-written": ({ mayBeWritten }) => (mayBeWritten ? "put-off" : null),
  "waiting-may-help": ({ isFinal }) => (isFinal ? null : "put-off"),
  "failed-for-good": () => "fail",
} as const satisfies Rules<FailureFacts, FailureOutcome>;

/** What becomes of a lease for which a run failed: nothing that may be in a cluster is ever given up. */
export const decideFailure = decideBy<FailureFacts, FailureOutcome>(failureRules);

/** What decides about a share that the memory of a cluster has, where that memory is read into the ledger. */
export interface ShareFacts {
  /** What the ledger says of its lease; `unknown`: it has no record of it. */
  readonly inLedger: "open" | "over" | "unknown";
  /** The cluster remembers that its approval was taken back. */
  readonly isTakenBack: boolean;
  readonly isOver: boolean;
}

/** It stays as it is; it is removed; or the ledger gets a record of it. */
export type ShareOutcome = "keep" | "end" | "adopt";

const shareRules = {
  "share-is-over": ({ isOver }) => (isOver ? "end" : null),
  "share-of-ended-lease": ({ inLedger }) => (inLedger === "over" ? "end" : null),
  "share-of-open-lease": ({ inLedger }) => (inLedger === "open" ? "keep" : null),
  "share-was-taken-back": ({ isTakenBack }) => (isTakenBack ? "end" : null),
  "adopt-share": () => "adopt",
} as const satisfies Rules<ShareFacts, ShareOutcome>;

/** What becomes of a share that a cluster remembers. */
export const decideShare = decideBy<ShareFacts, ShareOutcome>(shareRules);

/** The names of all rules, by the function that decides by them. */
export const reconcileRules = {
  lease: Object.keys({ ...endRules, ...beginRules, ...keepRules }),
  failure: Object.keys(failureRules),
  share: Object.keys(shareRules),
} as const;
