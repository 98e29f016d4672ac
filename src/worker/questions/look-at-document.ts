import type { MemoryKeys } from "../../access/approval/seal.ts";
import { leasesAnnotation, readAnnotation } from "../../access/lease/annotation.ts";
import { type Drift, driftOf } from "../../access/lease/drift.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { AwsAuthDocument } from "../../aws-auth/index.ts";
import { parseDocument } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { ManagedPart } from "../../kubernetes/config-map.ts";
import { identityInDocument } from "../reconcile/cluster-state.ts";

/** The live document as it is, for somebody who asks: unlike `readClusterState` it takes whatever state it is in. */
export interface LookedAt {
  readonly document: AwsAuthDocument;
  readonly immutable: boolean;
  /** Somebody has deleted it, and only its finalizers keep it. */
  readonly isBeingDeleted: boolean;
  /** Why our own annotation is not believed; null: it is, or there is none. */
  readonly untrusted: string | null;
  readonly managers: readonly ManagedPart[];
}

/** Null: there is no ConfigMap. @throws AccessError */
export async function lookAtDocument(
  client: ClusterClient,
  cluster: Cluster,
  keys: MemoryKeys,
): Promise<LookedAt | null> {
  const configMap = await client.readAwsAuth();
  if (!configMap) return null;
  const { data, immutable, annotations, managers, deletion } = configMap;
  const reading = readAnnotation(cluster.name, annotations[leasesAnnotation], keys);
  const untrusted = reading.type === "untrusted" ? reading.message : null;
  return { document: parseDocument(data), immutable, isBeingDeleted: deletion !== null, untrusted, managers };
}

/** Which of these active leases somebody took out of the document. */
export function driftsIn({ document, managers }: LookedAt, inForce: readonly AccessRequest[]): readonly Drift[] {
  return inForce.flatMap(
    (request) => driftOf(request, identityInDocument(document, request.principal), managers, document.problems) ?? [],
  );
}
