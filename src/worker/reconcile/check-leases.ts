import { formatDuration } from "../../access/ask/duration.ts";
import {
  giveSameAccess,
  idsOf,
  isOverInCluster,
  isTooOldToBegin,
  orphanedShares,
  otherLeasesOf,
  shareInCluster,
  sharesToKeep,
} from "../../access/lease/cluster-leases.ts";
import {
  type ApprovalFacts,
  type BeginFacts,
  type DriftFacts,
  decideBeginning,
  decideDrift,
  voidReason,
  whyNotRepaired,
} from "../../access/lease/decide-lease.ts";
import type { Drift } from "../../access/lease/drift.ts";
import { baseOf, provedShare } from "../../access/lease/holding.ts";
import {
  isRememberedAsVoid,
  isWithdrawn,
  mayBeWithdrawn,
  mergeWithdrawals,
  remembersNone,
  removedWithoutLedgerAt,
  type Withdrawals,
} from "../../access/lease/withdrawal.ts";
import { sealedClusterOf } from "../../access/policy/cluster.ts";
import type { Refusal } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { otherLeasesChanged } from "../../access/request.ts";
import type { DecisionPublicKeys } from "../../access/seal.ts";
import { lastApproval } from "../../access/seals.ts";
import type { Refusals, RefusedLease, SettleInput, Settlement, VoidApproval, WayState } from "./way-adapter.ts";

export interface Checked extends Pick<Settlement, "voided" | "ending" | "complete" | "drifted" | "repaired"> {
  readonly beginning: readonly ApprovedRequest[];
}

export interface CheckRules {
  /** What an active lease with these groups lacks; null: nothing. */
  readonly driftOf: (request: ApprovedRequest, groups: readonly string[]) => Drift | null;
  /** Whether this way can restore its part. */
  readonly mayRepair: (request: ApprovedRequest) => boolean;
}

/** The work after a look at the cluster's own memory: a lease that is over or withdrawn there ends, even if the ledger differs. */
export function withOwnMemory<State extends WayState>(input: SettleInput<State>): SettleInput<State> {
  const { closed, state, work, keys, now } = input;
  const memory = memoryOf(state);
  // A withdrawal that only the cluster remembers counts as over too.
  const over = new Set([...closed, ...state.withdrawals.list.map(({ id }) => id)]);
  const ends: ApprovedRequest[] = [];
  for (const request of [...work.beginning, ...work.inForce]) {
    const isOver =
      isOverInCluster(state.holdings, request, now) || removedWithoutLedgerAt(request.id, memory.withdrawals) !== null;
    if (isOver || isReplayed(request, memory, keys.decision)) ends.push(request);
  }
  return {
    ...input,
    closed: over,
    work: {
      beginning: exceptRequests(work.beginning, ends),
      ending: [...work.ending, ...ends],
      inForce: exceptRequests(work.inForce, ends),
    },
  };
}

export interface ClusterMemory {
  readonly holdings: WayState["holdings"];
  readonly withdrawals: Withdrawals;
}

export function memoryOf({ holdings, withdrawals, elsewhere }: WayState): ClusterMemory {
  return { holdings, withdrawals: mergeWithdrawals(withdrawals, elsewhere) };
}

/** Whether a record gives a lease that the cluster remembers as revoked. `wasVoidBefore` is the same for a void approval. */
export function isReplayed(
  request: ApprovedRequest,
  { holdings, withdrawals }: ClusterMemory,
  keys: DecisionPublicKeys,
): boolean {
  if (remembersNone(withdrawals)) return false;
  if (isWithdrawn(request, withdrawals, keys)) return !wasVoidBefore(request, { withdrawals }, keys);
  const isUnknown = request.lease.state === "active" && !shareInCluster(holdings, request);
  return isUnknown && mayBeWithdrawn(request, withdrawals, keys);
}

/** Whether the cluster remembers an approval as void: a run died before the record said so, or the record is an old copy. */
export function wasVoidBefore(
  request: ApprovedRequest,
  { withdrawals }: Pick<ClusterMemory, "withdrawals">,
  keys: DecisionPublicKeys,
): boolean {
  return request.lease.state === "scheduled" && isRememberedAsVoid(request, withdrawals, keys);
}

/** Checks every seal, the policy and the base again (laws 3 and 4). `decide-lease.ts` has the rules. */
export function checkWork(input: SettleInput, rules: CheckRules): Checked {
  const begun = checkBeginning(input);
  const place = sealedClusterOf(input.cluster);
  const complete: ApprovedRequest[] = [];
  const drifted: Drift[] = [];
  const repaired: ApprovedRequest[] = [];
  for (const request of input.work.inForce) {
    const share = provedShare(place, input.state.holdings, request, input.keys.memory);
    const drift = rules.driftOf(request, share?.groups ?? request.groups);
    // Nearly all of a cluster's leases.
    if (!drift) {
      complete.push(request);
      continue;
    }
    const { outcome } = decideDrift(factsOfDrift(input, rules, drift, share !== null));
    if (outcome.type === "repair") repaired.push(request);
    else drifted.push({ ...drift, message: outcome.message });
  }
  return { ...begun, ending: input.work.ending, complete, drifted, repaired };
}

/** In the order of their approvals: two approvals together could give access that no approver has seen. */
function checkBeginning(input: SettleInput): Pick<Checked, "voided" | "beginning"> {
  const voided: VoidApproval[] = [];
  const accepted = new Set<ApprovedRequest>();
  // Only those of the same principal: a list of all for each of a thousand leases takes half a second.
  const acceptedOf = new Map<string, readonly ApprovedRequest[]>();
  const approvedAt = (request: ApprovedRequest) => Date.parse(lastApproval(request.approvals)?.at ?? "") || 0;
  for (const request of input.work.beginning.toSorted((a, b) => approvedAt(a) - approvedAt(b))) {
    const principal = request.principal.toLowerCase();
    const earlier = acceptedOf.get(principal) ?? [];
    const { outcome } = decideBeginning(factsAtBeginning(input, earlier, request));
    if (outcome.type === "begin") {
      accepted.add(request);
      acceptedOf.set(principal, [...earlier, request]);
    } else voided.push({ request, message: outcome.message, whyStillThere: null });
  }
  return { voided, beginning: input.work.beginning.filter((request) => accepted.has(request)) };
}

/** @param beginning the principal's leases that begin in this run, with an earlier approval */
function factsAtBeginning(
  input: SettleInput,
  beginning: readonly ApprovedRequest[],
  request: ApprovedRequest,
): BeginFacts {
  const { cluster, state, keys, approvalGoodForSeconds, now } = input;
  const { holdings } = state;
  const { withdrawals } = memoryOf(state);
  const isTooOld = isTooOldToBegin(request, approvalGoodForSeconds, now);
  return {
    cluster: cluster.name,
    isWritten: shareInCluster(holdings, request) !== undefined,
    mayBeForgotten: mayBeWithdrawn(request, withdrawals, keys.decision),
    tooOldFor: isTooOld ? formatDuration(approvalGoodForSeconds) : null,
    approvalFlaw: voidReason(approvalFacts(input), request),
    // It stays void, even if the change is again as the approver saw it: other runs rely on it.
    wasVoid: request.lease.voidSince !== null || wasVoidBefore(request, { withdrawals }, keys.decision),
    otherLeasesFlaw: otherLeasesReason(input, beginning, request),
  };
}

/** A repair is only of parts under a seal, and only while the whole approval is valid. */
function factsOfDrift(
  input: SettleInput,
  { mayRepair }: CheckRules,
  { request, message: missing }: Drift,
  isSealed: boolean,
): DriftFacts {
  const refusal = input.unrepairable?.get(request.principal.toLowerCase())?.message.replace(/\.$/, "");
  const allowed = input.cluster.drift === "repair" && mayRepair(request);
  if (!allowed) return { missing, mayRepair: false, repairFlaw: refusal ?? null };
  const unsealed = "no sealed record says what it gave";
  const flaw = isSealed ? whyNotRepaired(approvalFacts(input), request) : unsealed;
  return { missing, mayRepair: true, repairFlaw: flaw ?? refusal ?? null };
}

function approvalFacts({ cluster, way, state, keys, now, links }: SettleInput): ApprovalFacts {
  const { holdings, identityOf } = state;
  const entryBase = ({ principal }: ApprovedRequest) =>
    baseOf(identityOf(principal), holdings.get(principal.toLowerCase()));
  return { cluster, way, baseFor: state.baseFor ?? entryBase, keys: keys.decision, now, links };
}

function otherLeasesReason(
  { work, state, closed, ofRevoked, now }: SettleInput,
  beginning: readonly ApprovedRequest[],
  request: ApprovedRequest,
): string | null {
  const { holdings, identityOf } = state;
  // The cluster remembers this lease: a run wrote it as shown, and died before the record said so.
  if (request.emergency || shareInCluster(holdings, request)) return null;
  // Another lease with the same groups would hide its end.
  if (ofRevoked?.has(request.id)) return otherLeasesChanged;
  const rememberedOf = (key: string) => {
    const holding = holdings.get(key);
    if (!holding) return [];
    const open = idsOf([...work.beginning, ...work.ending, ...work.inForce]);
    return sharesToKeep(orphanedShares(holding, open), closed, now);
  };
  const found = otherLeasesOf(request, { beginning, inForce: work.inForce, rememberedOf, holdings, identityOf });
  return giveSameAccess(request.preview?.leases ?? [], found, now) ? null : otherLeasesChanged;
}

/** Leaves out the entries that the plan can't change. @param refusals by lower-case ARN */
export function leaveOutRefused(checked: Checked, refusals: ReadonlyMap<string, Refusal>): Omit<Settlement, "targets"> {
  const sort = (requests: readonly ApprovedRequest[]) => {
    const planned: ApprovedRequest[] = [];
    const leftOut: RefusedLease[] = [];
    for (const request of requests) {
      const refusal = refusals.get(request.principal.toLowerCase());
      if (refusal) leftOut.push({ request, refusal });
      else planned.push(request);
    }
    return { planned, leftOut };
  };
  const [begun, ended, repaired] = [sort(checked.beginning), sort(checked.ending), sort(checked.repaired)];
  const driftOf = ({ request, refusal }: RefusedLease) => ({ request, message: refusal.message.replace(/\.$/, "") });
  return {
    voided: checked.voided,
    refused: begun.leftOut,
    stuck: ended.leftOut,
    leased: begun.planned,
    ending: ended.planned,
    complete: checked.complete,
    drifted: [...checked.drifted, ...repaired.leftOut.map(driftOf)],
    repaired: repaired.planned,
  };
}

/** What can't be restored delays no end of its principal. Null: there is nothing to restore. */
export function withoutRepairs(checked: Checked, refusals: ReadonlyMap<string, Refusal>): Checked | null {
  const { drifted, repaired } = leaveOutRefused({ ...checked, beginning: [], ending: [] }, refusals);
  return repaired.length === checked.repaired.length ? null : { ...checked, drifted, repaired };
}

export function exceptRequests(
  all: readonly ApprovedRequest[],
  some: readonly ApprovedRequest[],
): readonly ApprovedRequest[] {
  if (some.length === 0) return all;
  const left = new Set(some);
  return all.filter((request) => !left.has(request));
}

/** What the API server refuses delays nothing else: first a repair goes, then any change of that entry. */
export function withoutRefused<State extends WayState>(
  facts: SettleInput<State>,
  { repaired }: Settlement,
  refusals: Refusals,
): SettleInput<State> {
  const isRepair = new Set(repaired.map(({ principal }) => principal.toLowerCase()));
  const [unrepairable, unwritable] = [new Map(facts.unrepairable), new Map(facts.unwritable)];
  for (const [key, refusal] of refusals) (isRepair.has(key) ? unrepairable : unwritable).set(key, refusal);
  return { ...facts, unrepairable, unwritable };
}
