import { approvalFlaw, approverGetsAccess } from "../approvals.ts";
import { emergencyFlaw } from "../emergency.ts";
import { type LinkedArns, linkedArnInAccountOf } from "../identities.ts";
import type { Cluster, Way } from "../policy/cluster.ts";
import { mayAsk, refuseRequest } from "../policy/may-ask.ts";
import { isPolicyText, matchesLevel } from "../policy/policy-text.ts";
import { ruleFor } from "../policy/rule.ts";
import { isSamePrincipal, readHolder } from "../principal.ts";
import type { ApprovedRequest } from "../record.ts";
import type { DecisionPublicKeys } from "../seal.ts";
import { digestOfChange, type SeenInCluster, sealedRequesterFacts } from "../seals.ts";
import { notRestored } from "./drift.ts";
import type { MappedIdentity } from "./lease-record.ts";

/** The decisions of a reconcile run: a line of a table each, with a fixture of its name in test/fixtures/reconcile. */

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

/** Of a lease that begins. */
export interface BeginFacts {
  readonly cluster: string;
  readonly isWritten: boolean;
  /** The cluster may have forgotten a revocation of its approval. */
  readonly mayBeForgotten: boolean;
  /** The time for people, if the approval is too old for a first write; null: it is not. */
  readonly tooOldFor: string | null;
  /** Why seals, policy or digest do not approve the present change; null: they do. */
  readonly approvalFlaw: string | null;
  /** An earlier run found the approval void. */
  readonly wasVoid: boolean;
  /** Why the principal's other leases differ from what the approver saw; null: they do not. */
  readonly otherLeasesFlaw: string | null;
}

/** Of a lease in force of which something is missing. */
export interface DriftFacts {
  readonly missing: string;
  /** The configuration allows repairs, and this way can repair. */
  readonly mayRepair: boolean;
  readonly repairFlaw: string | null;
}

/** Void: the approvers decide again. */
type BeginOutcome = { readonly type: "begin" } | { readonly type: "void"; readonly message: string };
type DriftOutcome = { readonly type: "repair" } | { readonly type: "drift"; readonly message: string };

const asVoid = (message: string): BeginOutcome => ({ type: "void", message });
const asDrift = (message: string): DriftOutcome => ({ type: "drift", message });

const forgotten = (cluster: string) => `it is older than the revocations that ${cluster} remembers`;
const tooOld = (time: string) => `it is older than ${time}, and the worker wrote nothing of it`;

/** Doubt gives no access. */
const beginRules = {
  "maybe-forgotten": (is) => (!is.isWritten && is.mayBeForgotten ? asVoid(forgotten(is.cluster)) : null),
  "approved-too-long-ago": (is) => (!is.isWritten && is.tooOldFor !== null ? asVoid(tooOld(is.tooOldFor)) : null),
  "approval-does-not-hold": ({ approvalFlaw }) => (approvalFlaw === null ? null : asVoid(approvalFlaw)),
  "void-before": ({ wasVoid }) => (wasVoid ? asVoid("it did not count before") : null),
  "not-shown-beside-another": ({ otherLeasesFlaw }) => (otherLeasesFlaw === null ? null : asVoid(otherLeasesFlaw)),
  begin: () => ({ type: "begin" }),
} as const satisfies Rules<BeginFacts, BeginOutcome>;

const driftRules = {
  "must-not-repair": ({ missing, repairFlaw }) =>
    repairFlaw === null ? null : asDrift(notRestored(missing, repairFlaw)),
  "report-drift": ({ missing, mayRepair }) => (mayRepair ? null : asDrift(missing)),
  repair: () => ({ type: "repair" }),
} as const satisfies Rules<DriftFacts, DriftOutcome>;

export const decideBeginning = decideBy<BeginFacts, BeginOutcome>(beginRules);
export const decideDrift = decideBy<DriftFacts, DriftOutcome>(driftRules);

export interface FailureFacts {
  readonly isSettled: boolean;
  /** The cluster may have a part of it, or a call that gives it may still arrive. */
  readonly mayBeWritten: boolean;
  /** Its time is over while it waits for an operator's repair, so no run can look at the cluster. Any other run looks first. */
  readonly isOver: boolean;
  readonly isFinal: boolean;
}

/** Record nothing; try again in the next run; or let the lease fail. */
export type FailureOutcome = "leave" | "put-off" | "fail";

const failureRules = {
  "settled-meanwhile": ({ isSettled }) => (isSettled ? "leave" : null),
  "may-be-written": ({ mayBeWritten }) => (mayBeWritten ? "put-off" : null),
  "over-before-a-write": ({ isOver }) => (isOver ? "fail" : null),
  "waiting-may-help": ({ isFinal }) => (isFinal ? null : "put-off"),
  "failed-for-good": () => "fail",
} as const satisfies Rules<FailureFacts, FailureOutcome>;

/** Decides about a lease for which a run failed. A lease that may be in a cluster never fails. */
export const decideFailure = decideBy<FailureFacts, FailureOutcome>(failureRules);

/** The facts about a share in a cluster's memory, for adopting it into the ledger. */
export interface ShareFacts {
  /** `unknown`: it has no record. */
  readonly inLedger: "open" | "over" | "unknown";
  readonly wasWithdrawn: boolean;
  readonly isOver: boolean;
}

/** Leave it; remove it; or make a record of it in the ledger. */
export type ShareOutcome = "keep" | "end" | "adopt";

const shareRules = {
  "share-is-over": ({ isOver }) => (isOver ? "end" : null),
  "share-of-ended-lease": ({ inLedger }) => (inLedger === "over" ? "end" : null),
  "share-of-open-lease": ({ inLedger }) => (inLedger === "open" ? "keep" : null),
  "share-was-withdrawn": ({ wasWithdrawn }) => (wasWithdrawn ? "end" : null),
  "adopt-share": () => "adopt",
} as const satisfies Rules<ShareFacts, ShareOutcome>;

export const decideShare = decideBy<ShareFacts, ShareOutcome>(shareRules);

export const reconcileRules = {
  begin: Object.keys(beginRules),
  drift: Object.keys(driftRules),
  failure: Object.keys(failureRules),
  share: Object.keys(shareRules),
} as const;

export interface ApprovalFacts {
  readonly cluster: Cluster;
  /** The way that the cluster would take it now. */
  readonly way: Way;
  /** The base that an approval depends on. */
  readonly baseFor: (request: ApprovedRequest) => MappedIdentity | null;
  readonly keys: DecisionPublicKeys;
  readonly now: Date;
  /** By Slack user id: an approver's linked ARN, if our seal confirms it. */
  readonly links: LinkedArns;
}

/** Why a request's approval does not cover the present change; null: it does (laws 3 and 4). */
export function voidReason(facts: ApprovalFacts, request: ApprovedRequest): string | null {
  const { way, baseFor } = facts;
  return reasonIn(facts, request, () => ({ base: baseFor(request), way }));
}

/** Null: it allows it. Later changes by others do not matter: the digest covers the entry that the approvers saw. */
export function whyNotRepaired(facts: ApprovalFacts, request: ApprovedRequest): string | null {
  const { base = null, way = "aws-auth" } = request.preview ?? {};
  return reasonIn(facts, request, () => ({ base, way }));
}

type SeenThere = Pick<SeenInCluster, "base" | "way">;

function reasonIn(facts: ApprovalFacts, request: ApprovedRequest, seenOf: () => SeenThere): string | null {
  const { cluster, way, keys, now } = facts;
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return `${cluster.name} does not offer ${request.level} any more`;
  const principal = readHolder(request.principal);
  if (principal.type === "invalid") return principal.message;
  // Redis does not prove the record's own facts about the requester.
  const requesterFacts = sealedRequesterFacts(request);
  const requested = { ...request, cluster, level, principal: principal.principal, requesterFacts };
  const verdict = request.emergency ? refuseRequest(requested) : mayAsk(requested, null);
  if (verdict && "message" in verdict) return verdict.message;
  if (!matchesLevel(level.groups, request)) return "what the level gives has changed";
  if (way === "aws-auth" && level.groups.some(isPolicyText)) return "aws-auth takes no access policies";
  if (request.emergency) return emergencyFlaw(request, cluster, level, keys, now);
  // Redis has the list of approved leases, and the approval's digest confirms it.
  const leases = request.preview?.leases ?? [];
  const digest = digestOfChange({ ...request, requesterFacts }, cluster, level, { ...seenOf(), leases });
  const flaw = approvalFlaw(request, cluster, level, digest, keys, now);
  return flaw ?? (isForApprover(facts, { ...request, requesterFacts }) ? approverGetsAccess : null);
}

/** A link can come after the approval, or from a Slack process that does not record links. */
function isForApprover({ cluster, links }: ApprovalFacts, request: ApprovedRequest): boolean {
  const { principal, requester, level, requesterFacts, approvals } = request;
  const rule = ruleFor(cluster, level, { user: requester, memberships: requesterFacts.memberships });
  return (
    !rule?.selfApproval &&
    approvals.some(({ by }) => isSamePrincipal(linkedArnInAccountOf(links, by, principal), principal))
  );
}
