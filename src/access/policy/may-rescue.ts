import { readPrincipal } from "../../aws-auth/index.ts";
import { formatDuration } from "../request/duration.ts";
import { breakGlassFor } from "./break-glass.ts";
import type { Cluster } from "./cluster.ts";
import { partitionOf } from "./may-request.ts";

/** Who wants to rescue a cluster, for which role, for how long. */
interface RescueWish {
  /** Slack user id. */
  readonly by: string;
  /** With its path. */
  readonly role: string;
  readonly durationSeconds: number;
}

/** Why somebody may not rescue a cluster so, in one sentence; null: they may. Slack is not asked who is of which user group. */
export function refuseRescue(cluster: Cluster, { by, role, durationSeconds }: RescueWish): string | null {
  const may = breakGlassFor(cluster, { user: by, memberships: [] });
  if (!may) {
    return `The policy does not let ${by} break the glass of ${cluster.name}: name their Slack user id in breakGlass.who of eks-access.yml.`;
  }
  if (durationSeconds > may.durationSeconds) {
    return `The glass of ${cluster.name} is broken for ${formatDuration(may.durationSeconds)} at most.`;
  }
  const reading = readPrincipal(role.replace(/:role\/.*\//, ":role/"), partitionOf(cluster));
  if (reading.type === "invalid") return `${role}: ${reading.message}`;
  const { kind, partition, account } = reading.principal;
  if (kind !== "role") return `${role} is no role. A rescue is for an IAM role, whose sessions end by themselves.`;
  if (partition !== partitionOf(cluster))
    return `${role} is of the partition ${partition}, and ${cluster.name} of ${partitionOf(cluster)}.`;
  if (account === cluster.account || cluster.foreignAccounts.includes(account)) return null;
  return `${role} is of account ${account}, ${cluster.name} of ${cluster.account}. Name the account in foreignAccounts of eks-access.yml to allow it.`;
}
