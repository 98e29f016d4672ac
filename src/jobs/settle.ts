import type { SealKeys } from "../approval/seal.ts";
import type { Refusal } from "../aws-auth/plan.ts";
import { type Drift, driftOf } from "../grant/drift.ts";
import { type DueWork, shareIn, withSealedEnds } from "../grant/due-work.ts";
import type { Holding } from "../grant/holding.ts";
import { isWithdrawn, mayBeForgotten, type Withdrawals } from "../grant/withdrawal.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import { type ClusterState, identityInDocument } from "./cluster-state.ts";
import { planSettlement } from "./plan-settlement.ts";
import { voidReason } from "./void-reason.ts";

/** A grant whose approval does not hold for what would be written now. */
export interface VoidApproval {
  readonly request: AccessRequest;
  readonly message: string;
}

/** A grant that the plan leaves out, with the reason. */
export interface RefusedRequest {
  readonly request: AccessRequest;
  readonly refusal: Refusal;
}

/** What of a cluster's grants needs no plan to be told apart. */
interface Sorted {
  readonly voided: readonly VoidApproval[];
  readonly leaving: readonly AccessRequest[];
  /** In force, and the document gives them as it should. */
  readonly holding: readonly AccessRequest[];
  /** In force, but their part is gone and stays gone. */
  readonly drifted: readonly Drift[];
  /** In force; their part is gone and is put back. */
  readonly repaired: readonly AccessRequest[];
}

/** The work with every approval looked at again, and what is missing found. */
export interface Checked extends Sorted {
  readonly arriving: readonly AccessRequest[];
}

/** What the ConfigMap has to hold: the document, and the cluster's own memory of our grants. */
export interface Content {
  readonly data: Readonly<Record<string, string>>;
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

/** A decision about one cluster: a pure value of what was read. */
export interface Settlement extends Sorted, Content {
  /** Arriving grants that the plan can't take. */
  readonly refused: readonly RefusedRequest[];
  /** Grants to be taken away whose entry can't be changed now: they are tried again. */
  readonly stuck: readonly RefusedRequest[];
  /** Arriving grants that the document after the write gives. */
  readonly granted: readonly AccessRequest[];
}

/** The document as a whole can't be changed, and stays as it is: only what is taken back can be remembered. */
export interface RefusedSettlement extends Pick<Sorted, "voided" | "drifted"> {
  readonly type: "refused";
  readonly refusal: Refusal;
  readonly content: Content;
}

export type SettlementResult = { readonly type: "settled"; readonly settlement: Settlement } | RefusedSettlement;

export interface SettleInput {
  readonly cluster: Cluster;
  readonly work: DueWork;
  readonly state: ClusterState;
  /** Ids named by the annotation that the ledger knows to be over. */
  readonly closed: ReadonlySet<string>;
  readonly sealKeys: SealKeys;
  readonly now: Date;
}

/** Decides what the document must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settle(input: SettleInput): SettlementResult {
  const { closed, state, work, sealKeys, now } = input;
  // What the ledger has lost and the cluster knows to be taken back is over as well.
  const over = new Set([...closed, ...state.withdrawals.list.map(({ id }) => id)]);
  const known = withSealedEnds(withoutReplayed(work, state, sealKeys), state.holdings, now);
  const looked = { ...input, closed: over, work: known };
  return planSettlement(looked, check(looked));
}

/** What was taken back goes, whatever the record in Redis says: it may be one from before, put back there. */
function withoutReplayed(work: DueWork, state: ClusterState, keys: SealKeys): DueWork {
  const open = [...work.arriving, ...work.staying];
  const replayed = open.filter((request) => isReplayed(request, state, keys));
  return {
    arriving: without(work.arriving, replayed),
    leaving: [...work.leaving, ...replayed],
    staying: without(work.staying, replayed),
  };
}

/** Whether a record says that a grant is to be, or is, in force whose approval the cluster knows to be taken back. */
export function isReplayed(request: AccessRequest, { holdings, withdrawals }: ClusterState, keys: SealKeys): boolean {
  if (isWithdrawn(request, withdrawals, keys)) return true;
  const isUnknown = request.grant?.state === "active" && !shareIn(holdings, request);
  return isUnknown && mayBeForgotten(request, withdrawals, keys);
}

function check(input: SettleInput): Checked {
  const { cluster, state, work } = input;
  const voided = work.arriving.flatMap((request) => {
    const message = voidReasonHere(input, request);
    return message === null ? [] : [{ request, message }];
  });
  const drifts = work.staying.flatMap((request) => {
    const entry = identityInDocument(state.document, request.principal);
    return driftOf(request, entry, state.configMap?.managers ?? [], state.document.problems) ?? [];
  });
  // What the cluster's memory does not hold either is only put back where the approval still speaks for it.
  const repaired = drifts
    .map((drift) => drift.request)
    .filter(
      (request) => cluster.drift === "repair" && (shareIn(state.holdings, request) ?? !voidReasonHere(input, request)),
    );
  return {
    voided,
    arriving: without(
      work.arriving,
      voided.map((each) => each.request),
    ),
    leaving: work.leaving,
    holding: without(
      work.staying,
      drifts.map((drift) => drift.request),
    ),
    drifted: drifts.filter((drift) => !repaired.includes(drift.request)),
    repaired,
  };
}

export function without(all: readonly AccessRequest[], some: readonly AccessRequest[]): readonly AccessRequest[] {
  return all.filter((request) => !some.includes(request));
}

function voidReasonHere(input: SettleInput, request: AccessRequest): string | null {
  const { cluster, state, sealKeys } = input;
  const { holdings } = state;
  if (!shareIn(holdings, request) && mayBeForgotten(request, state.withdrawals, sealKeys)) {
    return `it is older than what ${cluster.name} remembers of approvals that were taken back`;
  }
  const identityOf = (arn: string) => identityInDocument(state.document, arn);
  return voidReason({ cluster, way: "aws-auth", holdings, identityOf, sealKeys }, request);
}
