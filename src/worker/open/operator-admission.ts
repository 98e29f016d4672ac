import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../../access/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { CreatorRole } from "../../access/policy/creator.ts";
import { type OperatorObject, objectInWords } from "../../access/policy/operator-rights.ts";
import type { ClusterDescription } from "../../aws/eks-cluster.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { WorkerContext } from "../context.ts";

export interface OperatedCluster extends Cluster {
  readonly operator: CreatorRole;
}

/** CloudTrail shows it with each session of a bootstrap. */
export const bootstrapPurpose = { id: "bootstrap", requester: "bootstrap" };

export interface Bootstrap {
  readonly context: WorkerContext;
  readonly cluster: OperatedCluster;
  readonly description: ClusterDescription;
  /** What has to be in the cluster. */
  readonly wanted: readonly OperatorObject[];
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
  readonly close: () => void;
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
      if (!(error instanceof AccessError) || error.code !== "cluster-conflict" || attempt === attempts) throw error;
    }
  }
}

/** The waits before each further try, in milliseconds: an access entry and its policies take effect within some seconds. */
const waitsMs = [250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 5_000, 5_000, 5_000];

/**
 * Signs in as the operator until `act` has a result, a bounded number of times.
 * @param act null: not yet; on the last try it has `isLast`
 * @throws AccessError without a result
 */
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
      if (waitMs === undefined) throw notYet(cluster);
    } catch (error) {
      if (waitMs === undefined || !isUnauthorized(error)) throw error;
    } finally {
      client.close();
    }
    await (context.pause ?? wait)(waitMs);
  }
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof AccessError && error.code === "cluster-unauthorized";
}

function notYet({ name, operator }: Bootstrap["cluster"]): AccessError {
  const what = `${operator.roleArn} does not have its rights in ${name} yet, although EKS took them`;
  return new AccessError("cluster-unauthorized", what, { remedy: "Run it again in a minute." });
}
