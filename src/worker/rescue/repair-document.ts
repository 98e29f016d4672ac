import { leasesAnnotation, readAnnotation, writeAnnotation } from "../../access/lease/annotation.ts";
import { mergeMemory } from "../../access/lease/holding.ts";
import { withKeptDocument } from "../../access/lease/kept-documents.ts";
import { type Cluster, partitionOf, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import {
  type AccessChange,
  accessChanges,
  isWholeDocument,
  type PlanGuard,
  planDocumentRepair,
  type Readmission,
  readmissionsOf,
  resolve,
} from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap, AwsAuthContent } from "../../kubernetes/config-map.ts";
import { inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { retryAfterConflict } from "../operator.ts";
import { annotationsWithPlan } from "../reconcile/last-write.ts";
import { readRemembered } from "../remembered.ts";

export type RepairResult =
  /** `how`: the write, in a sentence; null: the document needed none. `returns`: empty without a good document. */
  | { readonly type: "repaired"; readonly how: string | null; readonly returns: readonly Readmission[] }
  | { readonly type: "ask"; readonly message: string };

type Store = Pick<
  ClusterClient,
  "readAwsAuth" | "rehearseWrite" | "writeAwsAuth" | "createAwsAuth" | "rehearseCreation"
>;

export interface Repairer {
  readonly client: Store;
  readonly cluster: Cluster;
  readonly creatorArn: string | null;
  readonly keys: MemoryKeys;
  /** Called before the write, so that the ledger knows of it even if this process dies. */
  readonly beforeWrite: (how: string) => Promise<void>;
  /** An admission webhook made them of the write. */
  readonly reportChanges: (changes: readonly AccessChange[]) => Promise<void>;
}

/** It starts again if another writer was faster, at most five times. @throws AccessError */
export function repairDocument(repairer: Repairer, good: AwsAuthContent | null): Promise<RepairResult> {
  return retryAfterConflict(() => repairOnce(repairer, good));
}

async function repairOnce(repairer: Repairer, good: AwsAuthContent | null): Promise<RepairResult> {
  const { client, cluster, creatorArn } = repairer;
  const found = await client.readAwsAuth();
  const repair = await inTurns(
    planDocumentRepair(found?.data ?? null, good?.data ?? null, guardOf(cluster, creatorArn)),
  );
  if (repair.type === "ask") return repair;
  if (repair.type === "whole") {
    const returns = good ? await inTurns(readmissionsOf(good.data, found?.data ?? {})) : [];
    return { type: "repaired", how: null, returns };
  }
  const { data, how } = repair;
  const restored = await annotationsAfter(repairer, found, good, data);
  const annotations = await annotationsWithPlan(cluster, found, { data, annotations: restored }, repairer.keys);
  await write(repairer, found, { data, annotations }, how);
  const after = await client.readAwsAuth();
  const returns = await inTurns(readmissionsOf(good?.data ?? repair.data, after?.data ?? {}));
  return { type: "repaired", how: repair.how, returns };
}

/** The dry run comes first: a refused repair leaves nothing behind, not even an empty ConfigMap. */
async function write(
  { client, beforeWrite, reportChanges }: Repairer,
  found: AwsAuthConfigMap | null,
  content: AwsAuthContent,
  how: string,
): Promise<void> {
  if (found) await client.rehearseWrite(found, content);
  else await client.rehearseCreation(content);
  await beforeWrite(how);
  // Empty first: each later write has a resourceVersion, so a late create brings nothing back.
  const before = found ?? (await client.createAwsAuth({ data: {}, annotations: {} }));
  const stored = await client.writeAwsAuth(before, content);
  const changes = await inTurns(accessChanges(content.data, stored.data));
  if (changes.length > 0) await reportChanges(changes);
}

/** Whole if the live document lost it, otherwise only the part about the entries that return. */
async function annotationsAfter(
  { cluster, keys }: Repairer,
  found: AwsAuthConfigMap | null,
  good: AwsAuthContent | null,
  data: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const { annotations = {} } = found ?? {};
  const [live, backup] = [annotations, good?.annotations ?? {}].map((each) =>
    readAnnotation(sealedClusterOf(cluster), each[leasesAnnotation], keys),
  );
  if (backup?.type !== "holdings") return annotations;
  const kept = good?.annotations[leasesAnnotation];
  if (live?.type !== "holdings") return kept === undefined ? annotations : { ...annotations, [leasesAnnotation]: kept };
  const before = await readRemembered(found?.data ?? {});
  const after = await readRemembered(data);
  const restoredGroups = (arn: string) => {
    const [was, is] = [resolve(before, arn), resolve(after, arn)];
    if (!is) return [];
    return was && is.groups.filter((group) => !was.groups.includes(group));
  };
  const { holdings, withdrawals } = mergeMemory(live, backup, restoredGroups);
  const text = writeAnnotation(sealedClusterOf(cluster), holdings, keys, withdrawals);
  return { ...annotations, ...(text !== null && { [leasesAnnotation]: text }) };
}

function guardOf(cluster: Cluster, creatorArn: string | null): PlanGuard {
  return {
    ...(creatorArn === null ? {} : { creatorArn }),
    account: cluster.account,
    partition: partitionOf(cluster),
    // The rescuer gave the good document with its foreign accounts: this policy does not judge them.
    allowForeignAccounts: cluster.foreignAccounts,
  };
}

/** For a later rescue, if it is readable and lets a person in. Nothing waits for it. @returns whether it is kept */
export async function keepDocument(
  { keys, now, log }: Pick<WorkerContext, "keys" | "now" | "log">,
  client: Pick<ClusterClient, "readKept" | "writeKept">,
  cluster: Cluster,
  configMap: AwsAuthConfigMap | null,
): Promise<boolean> {
  if (!configMap || !isWholeDocument(await readRemembered(configMap.data))) return false;
  const document = {
    at: now().toISOString(),
    data: configMap.data,
    leases: configMap.annotations[leasesAnnotation] ?? null,
  };
  try {
    const texts = withKeptDocument(sealedClusterOf(cluster), await client.readKept(), document, keys.memory);
    if (texts) await client.writeKept(texts);
    return true;
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not keep the document in the cluster");
    return false;
  }
}
