import type { SealKeys } from "../approval/seal.ts";
import type { PlanGuard } from "../aws-auth/plan.ts";
import { AccessError } from "../failure/access-error.ts";
import { grantsAnnotation, readAnnotation } from "../grant/annotation.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import type { Cluster } from "../policy/cluster.ts";
import { partitionOf } from "../policy/may-request.ts";
import { planMending, type Return, returnsOf } from "../rescue/mending.ts";

/** The last good document that somebody gave. */
export interface GoodDocument {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export type MendResult =
  /** `how`: what was written, in a sentence; null: nothing had to be. `returns`: empty where no good document was given. */
  | { readonly type: "mended"; readonly how: string | null; readonly returns: readonly Return[] }
  | { readonly type: "ask"; readonly message: string };

type Store = Pick<ClusterClient, "readAwsAuth" | "writeAwsAuth" | "createAwsAuth">;

const attempts = 5;

/**
 * Mends aws-auth: read, plan, dry run, PUT with the version that was read, read back; from the start again, five times in
 * all, where somebody else wrote meanwhile. Unlike the write of a grant it is not noted in the ledger before it is sent, and
 * a ConfigMap that is absent is first made empty, without a dry run.
 *
 * @throws AccessError
 */
export async function mendDocument(
  client: Store,
  cluster: Cluster,
  creatorArn: string | null,
  good: GoodDocument | null,
  sealKeys: SealKeys,
): Promise<MendResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await mendOnce(client, cluster, guardOf(cluster, creatorArn), good, sealKeys);
    } catch (error) {
      const again = error instanceof AccessError && error.code === "cluster-conflict" && attempt < attempts;
      if (!again) throw error;
    }
  }
}

async function mendOnce(
  client: Store,
  cluster: Cluster,
  guard: PlanGuard,
  good: GoodDocument | null,
  sealKeys: SealKeys,
): Promise<MendResult> {
  const found = await client.readAwsAuth();
  const mending = planMending(found?.data ?? null, good?.data ?? null, guard);
  if (mending.type === "ask") return mending;
  if (mending.type === "whole") {
    return { type: "mended", how: null, returns: good ? returnsOf(good.data, found?.data ?? {}) : [] };
  }
  // Empty first: what we write comes with a resourceVersion always, so that no late create can bring anything back.
  const before = found ?? (await client.createAwsAuth({ data: {}, annotations: {} }));
  const content = { data: mending.data, annotations: annotationsOf(before, cluster, good, sealKeys) };
  await client.writeAwsAuth(before, content, { dryRun: true });
  await client.writeAwsAuth(before, content, { dryRun: false });
  const after = await client.readAwsAuth();
  return { type: "mended", how: mending.how, returns: returnsOf(good?.data ?? mending.data, after?.data ?? {}) };
}

/** Our memory of the grants comes back with the document that it explains, where the document that stands there lost it. */
function annotationsOf(
  { annotations }: AwsAuthConfigMap,
  cluster: Cluster,
  good: GoodDocument | null,
  sealKeys: SealKeys,
): Readonly<Record<string, string>> {
  const isOurs = (text: string | undefined) => readAnnotation(cluster.name, text, sealKeys).type === "holdings";
  const remembered = good?.annotations[grantsAnnotation];
  if (remembered === undefined || isOurs(annotations[grantsAnnotation]) || !isOurs(remembered)) return annotations;
  return { ...annotations, [grantsAnnotation]: remembered };
}

function guardOf(cluster: Cluster, creatorArn: string | null): PlanGuard {
  return {
    ...(creatorArn === null ? {} : { creatorArn }),
    account: cluster.account,
    partition: partitionOf(cluster),
    // Whoever was in the good document was let in by somebody: that is not for this policy to judge.
    allowForeignAccounts: cluster.foreignAccounts,
  };
}
