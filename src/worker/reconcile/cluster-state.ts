import type { WorkerKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { fenceAnnotation } from "../../access/lease/annotation-room.ts";
import { bothWithdrawals, noWithdrawals, stillApproved } from "../../access/lease/withdrawal.ts";
import { withLedgerMemory } from "../../access/lease/written.ts";
import type { Cluster, Level } from "../../access/policy/cluster.ts";
import { partitionOf } from "../../access/policy/may-request.ts";
import type { AccessRequest, MappedIdentity } from "../../access/request/record.ts";
import { readWithdrawalTags } from "../../access-entry/index.ts";
import type { AwsAuthDocument, PlanGuard, ReadDocument } from "../../aws-auth/index.ts";
import { entryOf } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { step } from "../../operations/metrics/steps.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered, readAnnotationRemembered } from "../remembered.ts";
import { inDocument } from "./prove.ts";
import type { WayState } from "./way-adapter.ts";

/** What one GET of aws-auth tells. */
export interface ClusterState extends WayState {
  /** Null: the ConfigMap is absent and may be created. */
  readonly configMap: AwsAuthConfigMap | null;
  readonly document: AwsAuthDocument;
}

/** Reads the document and our own part of it; `open` are the cluster's requests in the ledger. @throws AccessError */
export async function readClusterState(
  opened: Pick<OpenedCluster, "creatorArn" | "tags"> & { readonly client: Pick<ClusterClient, "readAwsAuth"> },
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
): Promise<ClusterState> {
  const configMap = await step("read", () => opened.client.readAwsAuth());
  const where = `The ConfigMap aws-auth of ${cluster.name}`;
  if (!configMap && !cluster.createAwsAuth) throw new AccessError("document-absent", `${where} does not exist`);
  if (configMap?.immutable) throw new AccessError("document-immutable", `${where} is immutable`);
  const reading = readAnnotationRemembered(cluster.name, configMap?.annotations[leasesAnnotation], keys.memory);
  const { holdings, withdrawals } =
    reading.type === "holdings" ? reading : { holdings: [], withdrawals: noWithdrawals };
  const elsewhere = readWithdrawalTags(cluster.name, opened.tags, keys.memory).withdrawals;
  const document = parseRemembered(configMap?.data ?? {});
  return {
    configMap,
    creatorArn: opened.creatorArn,
    document,
    identityOf: (arn) => identityInDocument(document, arn),
    signsInAs: (arn) => inDocument(document, arn),
    ...withLedgerMemory(
      holdings,
      stillApproved(open, bothWithdrawals(withdrawals, elsewhere), keys.decision),
      keys.memory,
    ),
    withdrawals,
    elsewhere,
    untrusted: reading.type === "untrusted" ? reading.message : null,
    isUnfinished: configMap?.annotations[fenceAnnotation] !== undefined,
  };
}

/** The principal's entry as it stands in the document, ours and others' part together. */
export function identityInDocument(document: ReadDocument, arn: string): MappedIdentity | null {
  const entry = entryOf(document, arn);
  return entry && { username: entry.username, groups: entry.groups };
}

/** What the engine must keep to when it plans for this cluster. */
export function planGuard(cluster: Cluster, levels: readonly Level[], { creatorArn }: ClusterState): PlanGuard {
  return {
    creatorArn,
    account: cluster.account,
    partition: partitionOf(cluster),
    allowForeignAccounts: cluster.foreignAccounts,
    allowMasters: levels.some((level) => level.groups.includes("system:masters")),
  };
}
