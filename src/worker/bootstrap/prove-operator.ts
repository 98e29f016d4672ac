import {
  actInWords,
  forbiddenActs,
  neededActs,
  type OperatorAct,
  type OperatorRule,
} from "../../access/policy/operator-rights.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { inParallel } from "../in-parallel.ts";

/** What the API server says of an operator's rights. */
export interface OperatorProof {
  /** How many rights it needs, and how many it must not have. */
  readonly needed: number;
  readonly forbidden: number;
  /** Those that it lacks, and those that it has all the same: in words. */
  readonly missing: readonly string[];
  readonly excess: readonly string[];
}

/** Asks the API server, as the operator, for each right alone (SelfSubjectAccessReview). @throws AccessError */
export async function proveOperator(
  client: Pick<ClusterClient, "mayI">,
  rules: readonly OperatorRule[],
): Promise<OperatorProof> {
  const [needed, forbidden] = [neededActs(rules), forbiddenActs(rules)];
  const allowed = await inParallel([...needed, ...forbidden], (act) => client.mayI(act));
  const those = (acts: readonly OperatorAct[], from: number, isAllowed: boolean) =>
    acts.filter((_, index) => allowed[from + index] === isAllowed).map(actInWords);
  return {
    ...{ needed: needed.length, forbidden: forbidden.length },
    missing: those(needed, 0, false),
    excess: those(forbidden, needed.length, true),
  };
}

export function isProved({ missing, excess }: OperatorProof): boolean {
  return missing.length === 0 && excess.length === 0;
}
