import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/canonical-json.ts";
import type { AccessRequest } from "../request/record.ts";

/** What a rescue is called where a request names its level: it is an access entry with the cluster administrator's policy. */
export const rescueLevel = "rescue";

/** The lease of a rescue, as the access entry itself says it: whoever finds it knows when it ends, without Redis. */
export interface RescueLease {
  /** Of the request that tells of it. */
  readonly id: string;
  /** Slack user id, as whoever made it said. */
  readonly by: string;
  /** The ARN that AWS said whoever made it has. */
  readonly as: string;
  /** ISO 8601. */
  readonly endsAt: string;
}

const leaseTag = "eks-access/rescue";
const asTag = "eks-access/rescue-as";
const sealTag = "eks-access/rescue-seal";

/** The tags of the entry, sealed for this one cluster and principal. */
export function writeRescueTags(
  clusterArn: string,
  principalArn: string,
  lease: RescueLease,
  keys: MemoryKeys,
): Record<string, string> {
  const { id, by, as, endsAt } = lease;
  return {
    [leaseTag]: `${id} ${by} ${endsAt}`,
    [asTag]: as,
    [sealTag]: keys.seal("rescue", sealedValue(clusterArn, principalArn, lease)),
  };
}

/** The lease that an entry's tags speak of; null: none that our key sealed for this cluster and principal. */
export function readRescueTags(
  clusterArn: string,
  principalArn: string,
  tags: Readonly<Record<string, string>>,
  keys: MemoryKeys,
): RescueLease | null {
  const [id = "", by = "", endsAt = ""] = (tags[leaseTag] ?? "").split(" ");
  const lease = { id, by, as: tags[asTag] ?? "", endsAt };
  const value = sealedValue(clusterArn, principalArn, lease);
  return keys.isSealed("rescue", value, tags[sealTag] ?? "") ? lease : null;
}

function sealedValue(clusterArn: string, principalArn: string, { id, by, as, endsAt }: RescueLease): Json {
  return { clusterArn, principalArn, id, by, endsAt, as };
}

/** Whether a request is a rescue: nothing of it is ever in aws-auth. */
export function isRescue({ level, emergency }: Pick<AccessRequest, "level" | "emergency">): boolean {
  return level === rescueLevel && emergency !== null;
}
