/** Everything that decides what becomes of one approved request in one run. */
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
  /** An earlier run found the approval void. */
  readonly wasVoid: boolean;
  /** Why it is not what its approver was shown beside the principal's other leases; null: it is. */
  readonly besideFlaw: string | null;
  /** What of its part is missing in the cluster; null: nothing is. */
  readonly missing: string | null;
  /** The configuration says that a missing part is put back, and it can be put back this way. */
  readonly mayRepair: boolean;
  /** Why the missing part must not be put back; null: it may be. */
  readonly repairFlaw: string | null;
}

export type LeaseOutcome =
  /** It is given. */
  | { readonly type: "begin" }
  /** It is given already, and stays. */
  | { readonly type: "keep" }
  /** Its part is put back. */
  | { readonly type: "repair" }
  /** Its part is removed. */
  | { readonly type: "end" }
  /** Its approval does not hold: it is asked for again. */
  | { readonly type: "void"; readonly message: string }
  /** Its part is missing, and stays so. */
  | { readonly type: "drift"; readonly message: string };

type Rule = (facts: LeaseFacts) => LeaseOutcome | null;

const end: LeaseOutcome = { type: "end" };
const asVoid = (message: string): LeaseOutcome => ({ type: "void", message });

const forgotten = (cluster: string) => `it is older than what ${cluster} remembers of approvals that were taken back`;
const tooOld = (time: string) => `it is older than ${time}, and nothing of it has been written`;

/** One line a rule; the first that applies decides. Ends come first, and what is doubtful is never given. */
const endRules = {
  "ended-in-the-ledger": ({ due }) => (due === "end" ? end : null),
  "taken-back": ({ isTakenBack }) => (isTakenBack ? end : null),
  "over-in-the-cluster": ({ isOverInCluster }) => (isOverInCluster ? end : null),
} as const satisfies Readonly<Record<string, Rule>>;

const beginRules = {
  "maybe-forgotten": (is) => (!is.isWritten && is.mayBeForgotten ? asVoid(forgotten(is.cluster)) : null),
  "approved-too-long-ago": (is) => (!is.isWritten && is.tooOldFor !== null ? asVoid(tooOld(is.tooOldFor)) : null),
  "approval-does-not-hold": ({ approvalFlaw }) => (approvalFlaw === null ? null : asVoid(approvalFlaw)),
  "void-before": ({ wasVoid }) => (wasVoid ? asVoid("it had come to nothing before") : null),
  "not-shown-beside-another": ({ besideFlaw }) => (besideFlaw === null ? null : asVoid(besideFlaw)),
  begin: () => ({ type: "begin" }),
} as const satisfies Readonly<Record<string, Rule>>;

const keepRules = {
  keep: ({ missing }) => (missing === null ? { type: "keep" } : null),
  "report-drift": ({ missing, mayRepair }) =>
    missing === null || mayRepair ? null : { type: "drift", message: missing },
  "must-not-repair": ({ missing, repairFlaw }) =>
    repairFlaw === null ? null : { type: "drift", message: `${missing}; it is not put back: ${repairFlaw}` },
  repair: () => ({ type: "repair" }),
} as const satisfies Readonly<Record<string, Rule>>;

/** The names of all rules, in their order. */
export const leaseRules = [endRules, beginRules, keepRules].flatMap((rules) => Object.keys(rules));

/** What becomes of one approved request, and by which rule. Pure: facts that no rule asks for need not be known. */
export function decideLease(facts: LeaseFacts): { readonly rule: string; readonly outcome: LeaseOutcome } {
  const rules: Readonly<Record<string, Rule>> = { ...endRules, ...(facts.due === "keep" ? keepRules : beginRules) };
  for (const [rule, outcomeOf] of Object.entries(rules)) {
    const outcome = outcomeOf(facts);
    if (outcome !== null) return { rule, outcome };
  }
  throw new Error("The last rule always applies.");
}

/** Whether a rule ends it, whatever else is true of it. */
export function isToEnd(facts: Pick<LeaseFacts, "due" | "isTakenBack" | "isOverInCluster">): boolean {
  return facts.due === "end" || facts.isTakenBack || facts.isOverInCluster;
}
