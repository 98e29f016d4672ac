import type { MemoryKeys } from "../../access/approval/seal.ts";
import type { Drift } from "../../access/lease/drift.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterArnOf } from "../../access/policy/cluster-arn.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { readRescueTags } from "../../access/rescue/lease.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { readHoldingTags } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import { entryArnIn, withoutRolePath } from "../../aws-auth/index.ts";
import { entryDrift, type ReadEntry } from "../../diagnosis/entry-lease.ts";
import { inParallel } from "../in-parallel.ts";

/** The access entries as they are, for somebody who asks. */
export interface LookedAtEntries {
  /** How many the cluster has, those of nodes and of EKS itself included. */
  readonly count: number;
  /** Why tags of ours are not believed; null: all are, of the entries that were read. */
  readonly untrusted: string | null;
  /** Which of the leases that were asked about somebody took out. */
  readonly drifts: readonly Drift[];
}

/**
 * Counts a cluster's entries, and reads those of active leases.
 *
 * @throws AccessError
 */
export async function lookAtEntries(
  eks: EksCluster,
  cluster: Cluster,
  keys: MemoryKeys,
  inForce: readonly AccessRequest[],
): Promise<LookedAtEntries> {
  const entries = accessEntriesOf(eks);
  try {
    const arns = await entries.list();
    const read = await inParallel(inForce, (request) => readFor(entries, arns, cluster, keys, request));
    return {
      count: arns.length,
      untrusted: read.find(({ untrusted }) => untrusted !== null)?.untrusted ?? null,
      drifts: read.flatMap(({ drift }) => drift ?? []),
    };
  } finally {
    entries.close();
  }
}

async function readFor(
  entries: AccessEntries,
  arns: readonly string[],
  cluster: Cluster,
  keys: MemoryKeys,
  request: AccessRequest,
): Promise<{ readonly untrusted: string | null; readonly drift: Drift | null }> {
  const arn = entryArnIn(arns, request.principal);
  const entry = arn === null ? null : await entries.describe(arn);
  if (!entry) return { untrusted: null, drift: entryDrift(request, null) };
  const read = withOurTags(cluster, entry, keys);
  return { untrusted: read.tags.type === "untrusted" ? read.tags.message : null, drift: entryDrift(request, read) };
}

/** An entry with what its tags say of us, as far as our seal speaks for it. */
export function withOurTags(cluster: Cluster, entry: AccessEntry, keys: MemoryKeys): ReadEntry {
  const arn = withoutRolePath(entry.principalArn);
  return {
    entry,
    tags: readHoldingTags(cluster.name, arn, entry, keys),
    rescue: readRescueTags(clusterArnOf(cluster), entry.principalArn, entry.tags, keys),
  };
}
