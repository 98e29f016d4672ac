import { lastApproval } from "../../access/approval/decision.ts";
import type { DecisionPublicKeys } from "../../access/approval/seal.ts";
import { decideLease, isToEnd, type LeaseFacts } from "../../access/lease/decide-lease.ts";
import type { Drift } from "../../access/lease/drift.ts";
import {
  idsOf,
  isOverInCluster,
  isTooOldToBegin,
  orphansOf,
  rememberedShares,
  shareIn,
} from "../../access/lease/due-work.ts";
import { giveTheSame, leasesBeside } from "../../access/lease/other-leases.ts";
import {
  bothWithdrawals,
  hadComeToNothing,
  isWithdrawn,
  mayBeForgotten,
  type Withdrawals,
} from "../../access/lease/withdrawal.ts";
import { provedShare } from "../../access/lease/written.ts";
import type { Way } from "../../access/policy/way.ts";
import { formatDuration } from "../../access/request/duration.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { leasesDiffer } from "../../access/request/transitions.ts";
import type { Refusal } from "../../aws-auth/index.ts";
import { voidReason, whyNotRepaired } from "./void-reason.ts";
import type { RefusedLease, SettleInput, Settlement, VoidApproval, WayState } from "./way-adapter.ts";

/** The work with every approval looked at again, and what is missing found. */
export interface Checked extends Pick<Settlement, "voided" | "leaving" | "holding" | "drifted" | "repaired"> {
  readonly arriving: readonly ApprovedRequest[];
}

/** What of a check depends on the way. */
export interface CheckRules {
  /** What of a active lease, which gives these groups, is missing; null: nothing is. */
  readonly driftOf: (request: ApprovedRequest, groups: readonly string[]) => Drift | null;
  /** Whether its part may be put back this way. */
  readonly mayRepair: (request: ApprovedRequest) => boolean;
}

/** The same with what the cluster's own memory says: what is over or taken back there goes, whatever the ledger says. */
export function withOwnMemory<State extends WayState>(input: SettleInput<State>): SettleInput<State> {
  const { closed, state, work, keys, now } = input;
  // What the ledger has lost and the cluster knows to be taken back is over as well.
  const over = new Set([...closed, ...state.withdrawals.list.map(({ id }) => id)]);
  const ends = [...work.arriving, ...work.staying].filter((request) =>
    isToEnd({
      due: "keep",
      isTakenBack: isReplayed(request, state, keys.decision),
      isOverInCluster: isOverInCluster(state.holdings, request, now),
    }),
  );
  return {
    ...input,
    closed: over,
    work: {
      arriving: without(work.arriving, ends),
      leaving: [...work.leaving, ...ends],
      staying: without(work.staying, ends),
    },
  };
}

/**
 * Whether a record says that a lease is to be, or is, in force whose approval the cluster knows to be taken back. Of one that
 * came to nothing it can't be told here (`hasComeToNothing`).
 */
export function isReplayed(
  request: ApprovedRequest,
  { holdings, ...state }: WayState,
  keys: DecisionPublicKeys,
): boolean {
  const withdrawals = bothWithdrawals(state.withdrawals, state.elsewhere);
  if (isWithdrawn(request, withdrawals, keys)) return !isOpenAndNothing(request, withdrawals, keys);
  const isUnknown = request.lease?.state === "active" && !shareIn(holdings, request);
  return isUnknown && mayBeForgotten(request, withdrawals, keys);
}

/** Whether the cluster knows that an approval came to nothing: a run may have died before the record said so, or it is one of before. */
export function hasComeToNothing(request: ApprovedRequest, state: WayState, keys: DecisionPublicKeys): boolean {
  return isOpenAndNothing(request, bothWithdrawals(state.withdrawals, state.elsewhere), keys);
}

function isOpenAndNothing(request: ApprovedRequest, withdrawals: Withdrawals, keys: DecisionPublicKeys): boolean {
  return request.lease?.state === "scheduled" && hadComeToNothing(request, withdrawals, keys);
}

/** What was void once stays so, also where everything is again as it was approved: runs go by it that nothing is sent for it any more. */
function wasVoid(request: ApprovedRequest, withdrawals: Withdrawals, keys: DecisionPublicKeys): boolean {
  return (request.lease?.voidSince ?? null) !== null || isOpenAndNothing(request, withdrawals, keys);
}

/** Looks at every seal, the policy and the base again (laws 3 and 4), and for what is missing. `decideLease` has the rules. */
export function checkWork(input: SettleInput, way: Way, rules: CheckRules): Checked {
  const begun = checkArriving(input, way);
  const holding: ApprovedRequest[] = [];
  const drifted: Drift[] = [];
  const repaired: ApprovedRequest[] = [];
  for (const request of input.work.staying) {
    const { facts, drift } = factsInForce(input, way, rules, request);
    const { outcome } = decideLease(facts);
    if (outcome.type === "keep") holding.push(request);
    else if (outcome.type === "repair") repaired.push(request);
    else if (outcome.type === "drift" && drift) drifted.push({ ...drift, message: outcome.message });
  }
  return { ...begun, leaving: input.work.leaving, holding, drifted, repaired };
}

/**
 * In the order of their approvals: what is given beside another one that begins now is given only where its approver was shown that
 * one. Otherwise two approvals together would give what nobody has seen.
 */
function checkArriving(input: SettleInput, way: Way): Pick<Checked, "voided" | "arriving"> {
  const voided: VoidApproval[] = [];
  const accepted = new Set<ApprovedRequest>();
  const approvedAt = (request: ApprovedRequest) => Date.parse(lastApproval(request.approvals)?.at ?? "") || 0;
  for (const request of input.work.arriving.toSorted((a, b) => approvedAt(a) - approvedAt(b))) {
    const { outcome } = decideLease(factsAtBeginning(input, way, [...accepted], request));
    if (outcome.type === "begin") accepted.add(request);
    else if (outcome.type === "void") voided.push({ request, message: outcome.message, doubt: null });
  }
  return { voided, arriving: input.work.arriving.filter((request) => accepted.has(request)) };
}

/** What no rule asks for of a request that begins, or of one in force. Ends have been sorted out before. */
const unasked = {
  isTakenBack: false,
  isOverInCluster: false,
  isWritten: false,
  mayBeForgotten: false,
  tooOldFor: null,
  approvalFlaw: null,
  wasVoid: false,
  besideFlaw: null,
  missing: null,
  mayRepair: false,
  repairFlaw: null,
} as const;

/** @param beginning what begins in this run, and was approved before */
function factsAtBeginning(
  input: SettleInput,
  way: Way,
  beginning: readonly ApprovedRequest[],
  request: ApprovedRequest,
): LeaseFacts {
  const { cluster, state, keys, approvalGoodForSeconds, now, links } = input;
  const { holdings, identityOf } = state;
  const withdrawals = bothWithdrawals(state.withdrawals, state.elsewhere);
  const isTooOld = isTooOldToBegin(request, approvalGoodForSeconds, now);
  return {
    ...unasked,
    due: "begin",
    cluster: cluster.name,
    isWritten: shareIn(holdings, request) !== undefined,
    mayBeForgotten: mayBeForgotten(request, withdrawals, keys.decision),
    tooOldFor: isTooOld ? formatDuration(approvalGoodForSeconds) : null,
    approvalFlaw: voidReason({ cluster, way, holdings, identityOf, keys: keys.decision, now, links }, request),
    wasVoid: wasVoid(request, withdrawals, keys.decision),
    besideFlaw: besideReason(input, beginning, request),
  };
}

/**
 * What is missing of a active lease, and whether it may be put back: only what something sealed says that it gives, and only where
 * the whole approval still speaks for it. The record in Redis alone proves neither.
 */
function factsInForce(
  input: SettleInput,
  way: Way,
  { driftOf, mayRepair }: CheckRules,
  request: ApprovedRequest,
): { readonly facts: LeaseFacts; readonly drift: Drift | null } {
  const { cluster, state, keys, now, links } = input;
  const { holdings, identityOf } = state;
  const known = { ...unasked, due: "keep", cluster: cluster.name } as const;
  const share = provedShare(holdings, request, keys.memory);
  const drift = driftOf(request, share?.groups ?? request.groups);
  if (!drift) return { facts: known, drift };
  const isRepair = cluster.drift === "repair" && mayRepair(request);
  if (!isRepair) return { facts: { ...known, missing: drift.message }, drift };
  const approval = { cluster, way, holdings, identityOf, keys: keys.decision, now, links };
  const repairFlaw = share ? whyNotRepaired(approval, request) : "nothing that is sealed says what it gave";
  return { facts: { ...known, missing: drift.message, mayRepair: true, repairFlaw }, drift };
}

/** Why a lease that begins is not what its approver was shown beside the principal's other leases; null: it is. */
function besideReason(
  { work, state, closed, now }: SettleInput,
  beginning: readonly ApprovedRequest[],
  request: ApprovedRequest,
): string | null {
  const { holdings, identityOf } = state;
  // What the cluster remembers was written as it was shown, by a run that died before the record said so.
  if (request.emergency || shareIn(holdings, request)) return null;
  const open = idsOf([...work.arriving, ...work.leaving, ...work.staying]);
  const rememberedOf = (key: string) => {
    const holding = holdings.get(key);
    return holding ? rememberedShares(orphansOf(holding, open), closed, now) : [];
  };
  const found = leasesBeside(request, { beginning, inForce: work.staying, rememberedOf, holdings, identityOf });
  return giveTheSame(request.preview?.leases ?? [], found, now) ? null : leasesDiffer;
}

/** Who gets what is planned, and who does not. `refusals` are by lower-case ARN of the principal. */
export function leaveOut(checked: Checked, refusals: ReadonlyMap<string, Refusal>): Omit<Settlement, "targets"> {
  const refusalOf = (request: ApprovedRequest) => refusals.get(request.principal.toLowerCase());
  const planned = (requests: readonly ApprovedRequest[]) => requests.filter((request) => !refusalOf(request));
  const leftOut = (requests: readonly ApprovedRequest[]): RefusedLease[] =>
    requests.flatMap((request) => {
      const refusal = refusalOf(request);
      return refusal ? [{ request, refusal }] : [];
    });
  return {
    voided: checked.voided,
    refused: leftOut(checked.arriving),
    stuck: leftOut(checked.leaving),
    granted: planned(checked.arriving),
    leaving: planned(checked.leaving),
    holding: checked.holding,
    drifted: [
      ...checked.drifted,
      ...leftOut(checked.repaired).flatMap(({ request, refusal }) => notRepaired([request], refusal)),
    ],
    repaired: planned(checked.repaired),
  };
}

/** What would be put back, and can't be: it is told as drift then, in a clause. */
export function notRepaired(repaired: readonly ApprovedRequest[], { message }: Refusal): readonly Drift[] {
  return repaired.map((request) => ({ request, message: message.replace(/\.$/, "") }));
}

export function without(all: readonly ApprovedRequest[], some: readonly ApprovedRequest[]): readonly ApprovedRequest[] {
  const left = new Set(some);
  return all.filter((request) => !left.has(request));
}
