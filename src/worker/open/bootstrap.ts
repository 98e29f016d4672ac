import { AccessError } from "../../access/access-error.ts";
import { operatorObjects } from "../../access/policy/operator.ts";
import { operatorRules } from "../../access/policy/operator-rights.ts";
import type { WorkerContext } from "../context.ts";
import { admitByCreator, admitByEntry, planOperatorEntry } from "./admit.ts";
import { becomeCreator } from "./become-creator.ts";
import { creatorArnFor } from "./discover-creator.ts";
import { connectAs } from "./open-cluster.ts";
import { openEks } from "./open-eks.ts";
import { isProved, type OperatorProof, proveOperator } from "./prove-operator.ts";
import {
  type Bootstrap,
  bootstrapPurpose,
  isUnauthorized,
  type OperatedCluster,
  objectSteps,
  untilSignedIn,
  type WayIn,
} from "./way-in.ts";

export interface BootstrapPlan extends Pick<WayIn, "steps" | "diff" | "close"> {
  /** Carries the steps out, and proves the operator's rights; without steps it only proves them. @throws AccessError */
  readonly apply: () => Promise<OperatorProof>;
}

/**
 * Plans how to let a cluster's operator in, and writes nothing. AWS rights do it if the cluster takes access entries, otherwise the
 * creator. If nothing is left to do, it does not use the creator.
 * @throws AccessError
 */
export async function planBootstrap(context: WorkerContext, cluster: OperatedCluster): Promise<BootstrapPlan> {
  const session = await becomeCreator(cluster, cluster.operator, [bootstrapPurpose], context.awsRequests);
  const { description } = await openEks(session.credentials, cluster, context.awsRequests);
  const readsAwsAuth = description.authenticationMode !== "API";
  const rules = operatorRules({ readsAwsAuth, cluster });
  const connect = (attempt: number) =>
    connectAs(session.credentials, cluster, description, context.now(), [bootstrapPurpose], {
      ...{ as: session.creatorArn, ledger: context.ledger, tokenSeconds: 60 + attempt },
    });
  const bootstrap = { context, cluster, description, wanted: operatorObjects(rules), asOperator: connect };
  const wayIn = await wayInOf(bootstrap);
  const { steps, diff, close } = wayIn;
  const apply = async () => {
    if (steps.length > 0) await wayIn.apply();
    return untilSignedIn(bootstrap, async (client, isLast) => {
      const proof = await proveOperator(client, rules);
      // Excess rights end soon only if EKS takes back the administrator's policy, which an entry had.
      const isSettled = description.authenticationMode === "CONFIG_MAP" ? proof.missing.length === 0 : isProved(proof);
      return isSettled || isLast || steps.length === 0 ? proof : null;
    });
  };
  return { steps, diff, apply, close };
}

async function wayInOf(bootstrap: Bootstrap): Promise<WayIn> {
  const objects = await seenByOperator(bootstrap);
  if (bootstrap.description.authenticationMode !== "CONFIG_MAP") return admitByEntry(bootstrap, objects);
  return objects?.length === 0 ? nothingToDo : admitByCreator(bootstrap);
}

const nothingToDo: WayIn = { steps: [], diff: "", apply: async () => {}, close: () => {} };

/** What differs from the plan, as the operator sees it; null: it can't see it yet. @throws AccessError */
async function seenByOperator(bootstrap: Bootstrap): Promise<readonly string[] | null> {
  const { asOperator, context, cluster, wanted, description } = bootstrap;
  const client = await asOperator(0);
  try {
    const objects = await objectSteps(client, wanted);
    if (description.authenticationMode !== "CONFIG_MAP") return objects;
    const creatorArn = await creatorArnFor(context, cluster, cluster.operator);
    const { plan } = await planOperatorEntry(client, bootstrap, creatorArn);
    return plan.diff === "" ? objects : [...objects, "Change its entry in aws-auth."];
  } catch (error) {
    const isForbidden = error instanceof AccessError && error.code === "cluster-forbidden";
    if (isForbidden || isUnauthorized(error)) return null;
    throw error;
  } finally {
    client.close();
  }
}
