import type { ReadDocument } from "../../aws-auth/document.ts";
import type { Refusal } from "../../aws-auth/plan.ts";
import { driftOf } from "../../grant/drift.ts";
import type { Holding } from "../../grant/holding.ts";
import type { Withdrawals } from "../../grant/withdrawal.ts";
import { isGivenByEntry } from "../../grant/written.ts";
import { beingDeleted } from "./being-deleted.ts";
import type { ClusterState } from "./cluster-state.ts";
import { planSettlement } from "./plan-settlement.ts";
import { checkWork, withOwnMemory } from "./sort-work.ts";
import type { SettleInput, Settlement } from "./taking.ts";

/** What the ConfigMap has to hold: the document, and the cluster's own memory of our grants. */
export interface Content {
  readonly data: Readonly<Record<string, string>>;
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

/** A decision about the document of one cluster. */
export interface DocumentSettlement extends Settlement, Content {
  /** The data, as the authenticator reads them. */
  readonly document: ReadDocument;
  /** Why the document as a whole can't be changed, and stays as it is: only what is taken back can be remembered. */
  readonly refusal: Refusal | null;
}

/** Decides what the document must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settle(input: SettleInput<ClusterState>): DocumentSettlement {
  const known = withOwnMemory(input);
  const { configMap, document, identityOf } = input.state;
  const checked = checkWork(known, "aws-auth", {
    driftOf: (request, groups) =>
      driftOf(request, identityOf(request.principal), configMap?.managers ?? [], document.problems, groups),
    mayRepair: (request) => !isGivenByEntry(request),
  });
  if (!configMap?.deletion) return planSettlement(known, checked);
  const refusal = beingDeleted(input.cluster, configMap.deletion);
  const refused = checked.arriving.map((request) => ({ request, refusal }));
  return planSettlement(known, { ...checked, arriving: [] }, { principals: new Map(), refused });
}
