import { isSealed, type SealKeys, seal } from "../approval/seal.ts";
import type { AccessRequest } from "../request/request.ts";

/** What a rescue is called where a request names its level: it is an access entry with the cluster administrator's policy. */
export const rescueLevel = "rescue";

/** The lease of a rescue, as the access entry itself says it: whoever finds it knows when it ends, without Redis. */
export interface RescueLease {
  /** Of the request that tells of it. */
  readonly id: string;
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601. */
  readonly endsAt: string;
}

const leaseTag = "eks-access/rescue";
const sealTag = "eks-access/rescue-seal";

/** The tags of the entry, sealed for this one cluster and principal. */
export function writeRescueTags(
  clusterArn: string,
  principalArn: string,
  lease: RescueLease,
  keys: SealKeys,
): Record<string, string> {
  const { id, by, endsAt } = lease;
  return {
    [leaseTag]: `${id} ${by} ${endsAt}`,
    [sealTag]: seal("rescue", { clusterArn, principalArn, id, by, endsAt }, keys),
  };
}

/** The lease that an entry's tags speak of; null: none that our key sealed for this cluster and principal. */
export function readRescueTags(
  clusterArn: string,
  principalArn: string,
  tags: Readonly<Record<string, string>>,
  keys: SealKeys,
): RescueLease | null {
  const [id = "", by = "", endsAt = ""] = (tags[leaseTag] ?? "").split(" ");
  const value = { clusterArn, principalArn, id, by, endsAt };
  return isSealed("rescue", value, tags[sealTag] ?? "", keys) ? { id, by, endsAt } : null;
}

/** Whether a request is a rescue: nothing of it is ever in aws-auth. */
export function isRescue({ level, glass }: Pick<AccessRequest, "level" | "glass">): boolean {
  return level === rescueLevel && glass !== null;
}
