import type { AccessEntry } from "../access-entry/index.ts";
import { entryArnIn } from "../aws-auth/index.ts";
import { accessEntriesOf } from "./access-entries.ts";
import type { EksCluster } from "./eks-cluster.ts";

/**
 * The access entry of a role or user; null: it has none. All entries are gone through, because an entry names a role with
 * its path, and who signs in does not (EKS User Guide, "Create access entries").
 *
 * @param principalArn as aws-auth would have it, a role without its path
 * @throws AccessError
 */
export async function findAccessEntry(eks: EksCluster, principalArn: string): Promise<AccessEntry | null> {
  const entries = accessEntriesOf(eks);
  try {
    const found = entryArnIn(await entries.list(), principalArn);
    return found === null ? null : await entries.describe(found);
  } finally {
    entries.close();
  }
}
