import { readHoldingTags } from "../../access-entry/entry-tags.ts";
import { identityOfEntry } from "../../access-entry/identity.ts";
import { entryArnIn, withoutRolePath } from "../../access-entry/principal-arn.ts";
import type { SealKeys } from "../../approval/seal.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { CredentialSource } from "../../aws/credentials.ts";
import { type Drift, driftOf } from "../../grant/drift.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { AccessRequest } from "../../request/request.ts";
import { inParallel } from "../in-parallel.ts";
import { addressOf } from "../open/open-cluster.ts";

/** The access entries as they are, for somebody who asks. */
export interface LookedAtEntries {
  /** How many the cluster has, those of nodes and of EKS itself included. */
  readonly count: number;
  /** Why tags of ours are not believed; null: all are, of the entries that were read. */
  readonly untrusted: string | null;
  /** Which of the grants that were asked about somebody took out. */
  readonly drifts: readonly Drift[];
}

/**
 * Counts a cluster's entries, and reads those of grants in force.
 *
 * @param source as whom EKS is asked
 * @throws AccessError
 */
export async function lookAtEntries(
  source: CredentialSource,
  cluster: Cluster,
  sealKeys: SealKeys,
  inForce: readonly AccessRequest[],
): Promise<LookedAtEntries> {
  const entries = accessEntriesOf(source, addressOf(cluster));
  try {
    const arns = await entries.list();
    const read = await inParallel(inForce, (request) => readFor(entries, arns, cluster, sealKeys, request));
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
  sealKeys: SealKeys,
  request: AccessRequest,
): Promise<{ readonly untrusted: string | null; readonly drift: Drift | null }> {
  const arn = entryArnIn(arns, request.principal);
  const entry = arn === null ? null : await entries.describe(arn);
  if (!entry) return { untrusted: null, drift: driftOf(request, null, null) };
  const reading = readHoldingTags(cluster.name, withoutRolePath(entry.principalArn), entry, sealKeys);
  const holding = reading.type === "holding" ? reading.holding : undefined;
  const untrusted = reading.type === "untrusted" ? reading.message : null;
  return { untrusted, drift: driftOf(request, identityOfEntry(entry, holding), null) };
}
