import { fitsTags, writeHoldingTags } from "../access-entry/entry-tags.ts";
import { refuseEntry } from "../access-entry/refuse-entry.ts";
import type { SealKeys } from "../approval/seal.ts";
import type { Refusal } from "../aws-auth/plan.ts";
import { type Drift, driftOf } from "../grant/drift.ts";
import { type DueWork, shareIn, withSealedEnds } from "../grant/due-work.ts";
import type { Target } from "../grant/holding.ts";
import type { Cluster } from "../policy/cluster.ts";
import { isSameCreator } from "../policy/creator.ts";
import type { AccessRequest } from "../request/request.ts";
import type { EntryState } from "./entry-state.ts";
import { type Checked, type RefusedRequest, without } from "./settle.ts";
import { targetsOf } from "./targets.ts";
import { voidReason } from "./void-reason.ts";

export interface EntrySettleInput {
  readonly cluster: Cluster;
  readonly creatorArn: string;
  readonly work: DueWork;
  readonly state: EntryState;
  /** Ids named by the tags that the ledger knows to be over, or to be given elsewhere. */
  readonly closed: ReadonlySet<string>;
  readonly sealKeys: SealKeys;
  readonly now: Date;
}

/** A decision about the access entries of one cluster: a pure value of what was read. */
export interface EntrySettlement extends Checked {
  /** Arriving grants that an entry can't take. */
  readonly refused: readonly RefusedRequest[];
  /** The entry that each principal with something to be done must have, by lower-case ARN. */
  readonly targets: ReadonlyMap<string, Target>;
}

/** Decides what the entries must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settleEntries(input: EntrySettleInput): EntrySettlement {
  const checked = check(input);
  const refusals = refusalsOf(input, targetsOf(input, checked));
  const refusalOf = ({ principal }: AccessRequest) => refusals.get(principal.toLowerCase());
  const kept = {
    ...checked,
    arriving: checked.arriving.filter((request) => !refusalOf(request)),
    repaired: checked.repaired.filter((request) => !refusalOf(request)),
  };
  const refused = checked.arriving.flatMap((request) => {
    const refusal = refusalOf(request);
    return refusal ? [{ request, refusal }] : [];
  });
  const drifted = checked.repaired.flatMap((request) => {
    const refusal = refusalOf(request);
    return refusal ? [{ request, message: refusal.message }] : [];
  });
  return { ...kept, drifted: [...checked.drifted, ...drifted], refused, targets: targetsOf(input, kept) };
}

function check(input: EntrySettleInput): Checked {
  const { state, now } = input;
  const work = withSealedEnds(input.work, state.holdings, now);
  const facts = { ...input, ...state, way: "access-entry" as const };
  const voided = work.arriving.flatMap((request) => {
    const message = voidReason(facts, request);
    return message === null ? [] : [{ request, message }];
  });
  const drifts = work.staying.flatMap((request) => driftIn(input, request) ?? []);
  const drifting = drifts.map(({ request }) => request);
  const repaired = drifting.filter((request) => isToBeRepaired(input, request));
  return {
    voided,
    arriving: without(
      work.arriving,
      voided.map(({ request }) => request),
    ),
    leaving: work.leaving,
    holding: without(work.staying, drifting),
    drifted: drifts.filter(({ request }) => !repaired.includes(request)),
    repaired,
  };
}

function driftIn({ cluster, state }: EntrySettleInput, request: AccessRequest): Drift | null {
  const drift = driftOf(request, state.identityOf(request.principal), null);
  if (!drift || isGivenByEntry(request) || state.entries.has(request.principal.toLowerCase())) return drift;
  return {
    request,
    message: `it stands in aws-auth, which ${cluster.name} does not go by for this principal any more`,
  };
}

function isGivenByEntry({ grant }: AccessRequest): boolean {
  return grant?.written?.way === "access-entry";
}

/** What stood in aws-auth was approved for it: that it is given again as an entry is what `drift: repair` asks for. */
function isToBeRepaired(input: EntrySettleInput, request: AccessRequest): boolean {
  const { cluster, state } = input;
  if (cluster.drift !== "repair") return false;
  if (shareIn(state.holdings, request)) return true;
  const facts = { ...input, ...state };
  const ways = isGivenByEntry(request) ? (["access-entry"] as const) : (["access-entry", "aws-auth"] as const);
  return ways.some((way) => voidReason({ ...facts, way }, request) === null);
}

/** By lower-case ARN: why what is to be added there can't be. */
function refusalsOf(
  { cluster, creatorArn, state, sealKeys }: EntrySettleInput,
  targets: ReadonlyMap<string, Target>,
): ReadonlyMap<string, Refusal> {
  const found = new Map<string, Refusal>();
  for (const [key, target] of targets) {
    const refusal = refuseTarget({ cluster, creatorArn, state, sealKeys }, target);
    if (refusal) found.set(key, refusal);
  }
  return found;
}

/** Why an entry can't be made this; null: it can. */
export function refuseTarget(
  { cluster, creatorArn, state, sealKeys }: Pick<EntrySettleInput, "cluster" | "creatorArn" | "state" | "sealKeys">,
  target: Target,
): Refusal | null {
  const { holding, change } = target;
  if (!holding) return null;
  const { arn } = change;
  const entry = state.entries.get(arn.toLowerCase()) ?? null;
  if (isSameCreator(arn, creatorArn)) {
    return { code: "creator", arn, message: `${arn} created ${cluster.name}: no lease is to end its access.` };
  }
  const refusal = refuseEntry(arn, entry, target);
  if (refusal || fitsTags(writeHoldingTags(cluster.name, holding, sealKeys), entry?.tags ?? {})) return refusal;
  const message = `The access entry of ${arn} in ${cluster.name} can't remember more grants in its tags. Ask again when some have ended.`;
  return { code: "tags-full", arn, message };
}
