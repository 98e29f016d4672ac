import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { findAccessEntry } from "../../aws/find-access-entry.ts";
import type { Caller } from "../../aws-auth/index.ts";
import type { AccessEntryFact } from "../../diagnosis/facts.ts";
import { openEksForEntries } from "../open/open-eks.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";

/** The access entry of a principal, where the cluster's mode knows any. Without the permission, the rest can be told all the same. */
export async function accessEntryFact(
  { eks, description }: Pick<ReachedCluster, "description" | "eks">,
  cluster: Cluster,
  { principal }: Caller,
): Promise<AccessEntryFact> {
  if (description.authenticationMode === "CONFIG_MAP") return { type: "none" };
  try {
    const entry = await findAccessEntry(await openEksForEntries(cluster, eks), principal.arn);
    if (!entry) return { type: "none" };
    const { username, groups, policies, type: kind } = entry;
    return { type: "entry", identity: { username, groups }, kind, policies: policies.map(({ name }) => name) };
  } catch (error) {
    if (error instanceof AccessError && !error.retryable) return { type: "not asked", why: error.what };
    throw error;
  }
}
