import type { SealKeys } from "../approval/seal.ts";
import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { entryOf } from "../aws-auth/entry-of.ts";
import { parseDocument } from "../aws-auth/parse.ts";
import type { PlanGuard } from "../aws-auth/plan.ts";
import { AccessError } from "../failure/access-error.ts";
import { grantsAnnotation, readAnnotation } from "../grant/annotation.ts";
import type { Holding } from "../grant/holding.ts";
import { isWithdrawn, mayBeForgotten, noWithdrawals, type Withdrawals } from "../grant/withdrawal.ts";
import { withLedgerMemory } from "../grant/written.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import { step } from "../metrics/steps.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import { partitionOf } from "../policy/may-request.ts";
import type { AccessRequest, MappedIdentity } from "../request/request.ts";
import type { OpenedCluster } from "./open-cluster.ts";

/** What one GET of aws-auth tells. */
export interface ClusterState {
  /** Null: the ConfigMap is absent and may be created. */
  readonly configMap: AwsAuthConfigMap | null;
  readonly document: AwsAuthDocument;
  /** Who created the cluster, and must never be put into the document. */
  readonly creatorArn: string;
  /** What of the document is ours, by lower-case ARN. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** The lower-case ARNs whose part in the annotation somebody took out. */
  readonly lost: ReadonlySet<string>;
  /** Which approvals were taken back before their end. */
  readonly withdrawals: Withdrawals;
  /** Why the annotation is not believed; null: it is, or there is none. It is written anew with the next change. */
  readonly untrusted: string | null;
}

/** Reads the document and our own part of it; `open` are the cluster's requests in the ledger. @throws AccessError */
export async function readClusterState(
  { client, creatorArn }: Pick<OpenedCluster, "creatorArn"> & { readonly client: Pick<ClusterClient, "readAwsAuth"> },
  cluster: Cluster,
  sealKeys: SealKeys,
  open: readonly AccessRequest[],
): Promise<ClusterState> {
  const configMap = await step("read", () => client.readAwsAuth());
  const where = `The ConfigMap aws-auth of ${cluster.name}`;
  if (!configMap && !cluster.createAwsAuth) throw new AccessError("document-absent", `${where} does not exist`);
  if (configMap?.immutable) throw new AccessError("document-immutable", `${where} is immutable`);
  const reading = readAnnotation(cluster.name, configMap?.annotations[grantsAnnotation], sealKeys);
  const { holdings, withdrawals } =
    reading.type === "holdings" ? reading : { holdings: [], withdrawals: noWithdrawals };
  // What was taken back has no memory that counts in a record of before. What the annotation holds counts anyhow.
  const remembering = open.filter(
    (request) => !isWithdrawn(request, withdrawals, sealKeys) && !mayBeForgotten(request, withdrawals, sealKeys),
  );
  return {
    configMap,
    creatorArn,
    document: parseDocument(configMap?.data ?? {}),
    ...withLedgerMemory(holdings, remembering, sealKeys),
    withdrawals,
    untrusted: reading.type === "untrusted" ? reading.message : null,
  };
}

/** The principal's entry as it stands in the document, ours and others' part together. */
export function identityInDocument(document: AwsAuthDocument, arn: string): MappedIdentity | null {
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
