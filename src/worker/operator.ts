import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure, hasCode } from "../access/access-error.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { CreatorRole } from "../access/policy/creator.ts";
import {
  actInWords,
  forbiddenActs,
  neededActs,
  type OperatorAct,
  type OperatorObject,
  type OperatorRule,
  objectInWords,
  operatorObjects,
  operatorRules,
} from "../access/policy/operator-rights.ts";
import type { ClusterDescription } from "../aws/eks-cluster.ts";
import { broken, type Finding, found } from "../diagnosis/link.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import { inParallel } from "../operations/parallel.ts";
import type { WorkerContext } from "./context.ts";
import { lastCreatorUse } from "./discover-creator.ts";
import { reachCluster } from "./open-cluster.ts";

export type OperatedCluster = Cluster & { readonly operator: CreatorRole };

/** CloudTrail shows it with each session of a bootstrap. */
export const bootstrapPurpose = { id: "bootstrap", requester: "bootstrap" };

export interface Bootstrap {
  readonly context: WorkerContext;
  readonly cluster: OperatedCluster;
  readonly description: ClusterDescription;
  readonly wanted: readonly OperatorObject[];
  /** When IAM made the operator's role, ISO 8601; null: unknown. */
  readonly roleMadeAt: () => Promise<string | null>;
  /** A client as the operator, with a new token for each attempt: API servers cache their answer to a token. */
  readonly asOperator: (attempt: number) => Promise<ClusterClient>;
}

/** How to let the operator in. It can run again after a crash between any two of its calls. */
export interface OperatorAdmission {
  /** Its steps, a sentence each; empty: nothing is left to do. */
  readonly steps: readonly string[];
  /** The change of aws-auth; empty: none. */
  readonly diff: string;
  /** @throws AccessError */
  readonly apply: () => Promise<void>;
}

type ObjectClient = Pick<ClusterClient, "objectState" | "writeObject">;

/** The objects that are absent or different, each with its step, for people. @throws AccessError */
export async function objectSteps(
  client: Pick<ObjectClient, "objectState">,
  wanted: readonly OperatorObject[],
): Promise<readonly string[]> {
  const steps: string[] = [];
  for (const object of wanted) {
    const state = await client.objectState(object);
    if (state !== "as wanted") steps.push(`${state === "absent" ? "Create" : "Change"} ${objectInWords(object)}.`);
  }
  return steps;
}

const attempts = 5;

/** Writes the absent and different objects, in order. @throws AccessError */
export async function writeObjects(client: ObjectClient, wanted: readonly OperatorObject[]): Promise<void> {
  for (const object of wanted) await retryAfterConflict(() => client.writeObject(object));
}

/** Tries again if another writer was faster, at most five times. @throws AccessError */
export async function retryAfterConflict<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!hasCode(error, "cluster-conflict") || attempt === attempts) throw error;
    }
  }
}

/** The waits before each further try, in milliseconds: an access entry and its policies take effect within some seconds. */
const waitsMs = [250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 5_000, 5_000, 5_000];

/** @param act null: not yet, so it tries again, a bounded number of times; the last try has `isLast` @throws AccessError */
export async function untilSignedIn<T>(
  { asOperator, context, cluster }: Bootstrap,
  act: (client: ClusterClient, isLast: boolean) => Promise<T | null>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    const waitMs = waitsMs[attempt];
    const client = await asOperator(attempt);
    try {
      const result = await act(client, waitMs === undefined);
      if (result !== null) return result;
      if (waitMs === undefined) {
        const what = `${cluster.operator.roleArn} has no rights in ${cluster.name} yet`;
        throw new AccessError("cluster-unauthorized", what, { remedy: "Try again in a minute." });
      }
    } catch (error) {
      if (waitMs === undefined || !hasCode(error, "cluster-unauthorized")) throw error;
    } finally {
      client.close();
    }
    await (context.pause ?? wait)(waitMs);
  }
}

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
  const use = await lastCreatorUse(context.ledger, cluster);
  const last = use
    ? `last used ${use.at}, for a ${String(use.detail.use)}`
    : "the audit log has no use of it besides the operator";
  return [...(await examineRights(context, cluster)), found(`creator: ${last}`)];
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
      // It removes what our own role gives; if another binding gives it, it says so.
      ...proof.excess.map((act) => broken(`operator: it can ${act}, which it must not`, run)),
    ];
    const right = `operator: it can do the ${proof.needed.length} things that a run needs, and none of the ${proof.forbidden.length} that it must not`;
    return wrong.length > 0 ? wrong : [found(right)];
  } catch (error) {
    return [broken("operator: no check of its rights", explainFailure(error))];
  }
}
