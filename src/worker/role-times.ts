import { AccessError } from "../access/access-error.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessEntry } from "../access-entry/index.ts";
import type { AccessEntries } from "../aws/access-entries.ts";
import { type RoleTimes, rolesToAsk } from "../diagnosis/remade-roles.ts";

/** All of an account share IAM's rate, so a look asks about one role after the other, and about no more than these. */
const maxRoles = 200;

/** Asks IAM when it made the roles of these entries. A failure ends the asking, and is a part of the answer. */
export async function readRoleTimes(
  { roleMadeAt }: Pick<AccessEntries, "roleMadeAt">,
  cluster: Cluster,
  entries: readonly AccessEntry[],
  withinMs: number,
): Promise<RoleTimes> {
  const arns = rolesToAsk(entries, cluster);
  const madeAt = new Map<string, string>();
  const until = performance.now() + withinMs;
  try {
    for (const arn of arns.slice(0, maxRoles)) {
      if (performance.now() > until) return { madeAt, why: "IAM did not answer about all of them in time" };
      const at = await roleMadeAt(arn);
      if (at !== null) madeAt.set(arn, at);
    }
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    return { madeAt, why: error.what };
  }
  return { madeAt, why: arns.length > maxRoles ? `The worker asks IAM about at most ${maxRoles} roles` : null };
}
