import { explainFailure } from "../../access/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import {
  actInWords,
  forbiddenActs,
  neededActs,
  type OperatorAct,
  type OperatorRule,
  operatorObjects,
  operatorRules,
} from "../../access/policy/operator-rights.ts";
import { broken, type Finding, found, notAsked } from "../../diagnosis/link.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";
import { lastCreatorUse } from "./discover-creator.ts";
import { objectSteps } from "./operator-admission.ts";
import { reachCluster } from "./reach-cluster.ts";

export interface OperatorProof {
  /** The rights that it needs, and those that it must not have: in words. */
  readonly needed: readonly string[];
  readonly forbidden: readonly string[];
  /** Those that it lacks, and the forbidden ones that it has. */
  readonly missing: readonly string[];
  readonly excess: readonly string[];
}

/** Asks the API server, as the operator, for each right (SelfSubjectAccessReview). @throws AccessError */
export async function proveOperator(
  client: Pick<ClusterClient, "mayI">,
  rules: readonly OperatorRule[],
): Promise<OperatorProof> {
  const [needed, forbidden] = [neededActs(rules), forbiddenActs(rules)];
  const allowed = await inParallel([...needed, ...forbidden], (act) => client.mayI(act));
  const those = (acts: readonly OperatorAct[], from: number, isAllowed: boolean) =>
    acts.filter((_, index) => allowed[from + index] === isAllowed).map(actInWords);
  return {
    ...{ needed: needed.map(actInWords), forbidden: forbidden.map(actInWords) },
    missing: those(needed, 0, false),
    excess: those(forbidden, needed.length, true),
  };
}

export function isProved({ missing, excess }: OperatorProof): boolean {
  return missing.length === 0 && excess.length === 0;
}

/** Whether the operator of a cluster has its rights and no others, and when the creator was last used. Empty: it has none. */
export async function examineOperator(context: WorkerContext, cluster: Cluster): Promise<readonly Finding[]> {
  if (!cluster.operator) return [];
  return [...(await examineRights(context, cluster)), await examineCreator(context, cluster)];
}

const asked = { id: "doctor", requester: "doctor" };

async function examineRights(context: WorkerContext, cluster: Cluster): Promise<readonly Finding[]> {
  try {
    const { proof, absent } = await reachCluster(context, cluster, asked, async ({ client, description }) => {
      const rules = operatorRules({ readsAwsAuth: description.authenticationMode !== "API", cluster });
      const kept = operatorObjects(rules).filter(({ kind }) => kind === "ConfigMap");
      const proof = await proveOperator(client, rules);
      return { proof, absent: proof.missing.length > 0 ? [] : await objectSteps(client, kept) };
    });
    const run = `Run eks-access bootstrap ${cluster.name} --apply.`;
    const wrong = [
      ...proof.missing.map((act) => broken(`operator: it can't ${act}, which a run needs`, run)),
      // The operator can't create them, and an end could not be remembered there.
      ...absent.map((step) => broken(`operator: ${step.replace(/^Create (.*)\.$/, "$1 is absent")}`, run)),
      ...proof.excess.map((act) =>
        broken(`operator: it can ${act}, which it must not`, "Find the binding that gives it."),
      ),
    ];
    const right = `operator: it can do the ${proof.needed.length} things that a run needs, and none of the ${proof.forbidden.length} that it must not`;
    return wrong.length > 0 ? wrong : [found(right)];
  } catch (error) {
    return [notAsked("operator: no check of its rights", explainFailure(error))];
  }
}

async function examineCreator({ ledger }: WorkerContext, cluster: Cluster): Promise<Finding> {
  const use = await lastCreatorUse(ledger, cluster);
  if (!use) return found("creator: the audit log has no use of it besides the operator");
  return found(`creator: last used ${use.at}, for a ${String(use.detail.use)}`);
}
