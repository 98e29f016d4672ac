import { driftOf } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/written.ts";
import { beingDeleted } from "./being-deleted.ts";
import type { ClusterState } from "./cluster-state.ts";
import { type DocumentSettlement, planSettlement } from "./plan-settlement.ts";
import { checkWork, withOwnMemory } from "./sort-work.ts";
import type { SettleInput } from "./taking.ts";

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
