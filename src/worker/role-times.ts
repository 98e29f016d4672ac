import { AccessError } from "../access/access-error.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { type RolesToAsk, type RoleTimes, rolesToAsk } from "../diagnosis/remade-roles.ts";
import type { OpenedCluster } from "./open-cluster.ts";

/** All of an account share IAM's rate, so a look asks about one role after the other, and about no more than these. */
const maxRoles = 200;

/** Asks IAM when it made the roles of these entries, and whether it has them. A failure ends the asking, and is a part of the answer. */
export async function readRoleTimes(
  iam: Pick<OpenedCluster, "roleMadeAt">,
  cluster: Cluster,
  asked: RolesToAsk,
  withinMs: number,
): Promise<RoleTimes> {
  const { own: arns } = rolesToAsk(asked, cluster);
  const madeAt = new Map<string, string>();
  const absent = new Set<string>();
  const until = performance.now() + withinMs;
  try {
    for (const arn of arns.slice(0, maxRoles)) {
      if (performance.now() > until) return { madeAt, absent, why: "IAM did not answer in time" };
      const at = await iam.roleMadeAt(arn);
      if (at === null) absent.add(arn);
      else madeAt.set(arn, at);
    }
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    return { madeAt, absent, why: error.what };
  }
  const why = arns.length > maxRoles ? `The worker asks IAM about at most ${maxRoles} roles` : null;
  return { madeAt, absent, why };
}
