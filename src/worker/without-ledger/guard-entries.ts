import type { MemoryKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { type AccessEntry, readHoldingTags } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { withoutRolePath } from "../../aws-auth/index.ts";

/**
 * The access entries for a run without the ledger. EKS keeps no versions, and such a run can't learn from the ledger that another one has
 * begun, for example of a worker that still reaches Redis. But each run claims in the tags what it gives before it gives it: so the entry
 * is read right before each call, and a claim that this run has not read ends it. It gives nothing.
 */
export function guardedEntries(entries: AccessEntries, cluster: string, keys: MemoryKeys): AccessEntries {
  /** By ARN: the ids of the leases that the entry had when this run read it; null: its tags are not ours. */
  const read = new Map<string, ReadonlySet<string> | null>();
  const claimsOf = (entry: AccessEntry | null): ReadonlySet<string> | null => {
    if (!entry) return new Set();
    const reading = readHoldingTags(cluster, withoutRolePath(entry.principalArn), entry, keys);
    if (reading.type === "untrusted") return null;
    return new Set(reading.type === "holding" ? reading.holding.shares.map(({ id }) => id) : []);
  };
  const describe = async (arn: string) => {
    const entry = await entries.describe(arn);
    read.set(arn, claimsOf(entry));
    return entry;
  };
  const ifUnclaimed = async <T>(arn: string, change: () => Promise<T>): Promise<T> => {
    const before = read.get(arn);
    const claims = claimsOf(await entries.describe(arn));
    if (before && claims && [...claims].every((id) => before.has(id))) return change();
    throw new AccessError("access-entry-conflict", `Another run has begun to change the access entry of ${arn}`);
  };
  const gives = (arn: string) => {
    throw new AccessError(
      "access-entry-conflict",
      `A worker without the ledger gives nothing, and ${arn} would get more`,
    );
  };
  return {
    ...entries,
    describe,
    create: async ({ principalArn }) => gives(principalArn),
    associate: async (arn) => gives(arn),
    tag: (about, tags) => ifUnclaimed(about.principalArn, () => entries.tag(about, tags)),
    untag: (about, keysToRemove) => ifUnclaimed(about.principalArn, () => entries.untag(about, keysToRemove)),
    setGroups: (arn, groups) => ifUnclaimed(arn, () => entries.setGroups(arn, groups)),
    disassociate: (arn, name) => ifUnclaimed(arn, () => entries.disassociate(arn, name)),
    remove: (arn) => ifUnclaimed(arn, () => entries.remove(arn)),
  };
}
