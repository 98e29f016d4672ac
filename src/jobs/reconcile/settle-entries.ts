import { fitsTags, writeHoldingTags } from "../../access-entry/entry-tags.ts";
import { refuseEntry } from "../../access-entry/refuse-entry.ts";
import { roomForWithdrawals } from "../../access-entry/withdrawal-tags.ts";
import type { SealKeys } from "../../approval/seal.ts";
import type { Refusal } from "../../aws-auth/plan.ts";
import { explain } from "../../failure/access-error.ts";
import { type Drift, driftOf } from "../../grant/drift.ts";
import type { Target } from "../../grant/holding.ts";
import type { Withdrawals } from "../../grant/withdrawal.ts";
import { isGivenByEntry } from "../../grant/written.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { isSameCreator } from "../../policy/creator.ts";
import type { AccessRequest } from "../../request/request.ts";
import type { EntryState } from "./entry-state.ts";
import { lateCallDoubt } from "./late-call.ts";
import { checkWork, leaveOut, withOwnMemory } from "./sort-work.ts";
import type { RefusedRequest, SettleInput, Settlement, VoidApproval } from "./taking.ts";
import { targetsOf } from "./targets.ts";
import { withdrawalsAfter } from "./withdrawals-after.ts";

/** A decision about the access entries of one cluster. */
export interface EntrySettlement extends Settlement {
  /** What the cluster has to remember of what is taken back. */
  readonly withdrawals: Withdrawals;
}

/** Decides what the entries must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settleEntries(input: SettleInput<EntryState>): EntrySettlement {
  const known = withOwnMemory(input);
  const checked = checkWork(known, "access-entry", {
    driftOf: (request) => driftIn(known, request),
    // What stood in aws-auth was approved for it: that it is given again as an entry is what `drift: repair` asks for.
    repairedBy: (request) =>
      isGivenByEntry(request) || !known.state.knowsDocument ? ["access-entry"] : ["access-entry", "aws-auth"],
  });
  const refusals = refusalsOf(known, targetsOf(known, checked));
  const { voided, doubtful } = byCertainty(known, checked.voided);
  // What is taken away is no matter of what can be added: an end is never stuck.
  const sorted = { ...leaveOut({ ...checked, voided }, refusals), leaving: checked.leaving, stuck: [] };
  const targets = targetsOf(known, { ...sorted, arriving: sorted.granted });
  // What is not asked for again yet is not remembered either: its record would pass for one of before.
  return { ...sorted, stuck: doubtful, targets, withdrawals: remembered(known, sorted) };
}

/** A grant whose calls may still arrive is asked for again only when nothing of it can come to stand there any more. */
function byCertainty(
  { state, now }: SettleInput<EntryState>,
  all: readonly VoidApproval[],
): { readonly voided: readonly VoidApproval[]; readonly doubtful: readonly RefusedRequest[] } {
  const doubtOf = ({ request }: VoidApproval) => {
    const key = request.principal.toLowerCase();
    const seen = { hasEntry: state.entries.has(key), openSince: state.openSince.get(key) ?? null };
    return request.grant?.writeBegan ? lateCallDoubt(request, seen, now) : null;
  };
  const doubtful = all.flatMap((each) => {
    const doubt = doubtOf(each);
    return doubt ? [{ request: each.request, refusal: { code: doubt.code, message: explain(doubt) } }] : [];
  });
  return { voided: all.filter((each) => !doubtOf(each)), doubtful };
}

/** What still stands there when it is remembered must not be forgotten, as long as there is room at all. */
function remembered(input: SettleInput<EntryState>, sorted: Omit<Settlement, "targets">): Withdrawals {
  const { holdings, tags } = input.state;
  const room = roomForWithdrawals(tags);
  const after = withdrawalsAfter(input, sorted, holdings.values(), room);
  return after.list.length <= room ? after : withdrawalsAfter(input, sorted, [], room);
}

function driftIn({ cluster, state }: SettleInput<EntryState>, request: AccessRequest): Drift | null {
  const drift = driftOf(request, state.identityOf(request.principal), null);
  if (!drift || isGivenByEntry(request) || state.entries.has(request.principal.toLowerCase())) return drift;
  return {
    request,
    message: `it stands in aws-auth, which ${cluster.name} does not go by for this principal any more`,
  };
}

/** By lower-case ARN: why what is to be added there can't be. */
function refusalsOf(
  { cluster, state, sealKeys }: SettleInput<EntryState>,
  targets: ReadonlyMap<string, Target>,
): ReadonlyMap<string, Refusal> {
  const found = new Map<string, Refusal>();
  for (const [key, target] of targets) {
    const refusal = refuseTarget(cluster, state, sealKeys, target);
    if (refusal) found.set(key, refusal);
  }
  return found;
}

/** Why an entry can't be made this; null: it can. */
export function refuseTarget(
  cluster: Cluster,
  { creatorArn, entries }: EntryState,
  sealKeys: SealKeys,
  target: Target,
): Refusal | null {
  const { holding, change } = target;
  if (!holding) return null;
  const { arn } = change;
  const entry = entries.get(arn.toLowerCase()) ?? null;
  if (isSameCreator(arn, creatorArn)) {
    return { code: "creator", arn, message: `${arn} created ${cluster.name}: no lease is to end its access.` };
  }
  const refusal = refuseEntry(arn, entry, target);
  if (refusal || fitsTags(writeHoldingTags(cluster.name, holding, sealKeys), entry?.tags ?? {})) return refusal;
  const message = `The access entry of ${arn} in ${cluster.name} can't remember more grants in its tags. Ask again when some have ended.`;
  return { code: "tags-full", arn, message };
}
