import type { AccessEntry, EntryType } from "./access-entry.ts";

export type AuthenticationMode = "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";

export interface EksCluster {
  name: string;
  region: string;
  /** The IAM role or user that created it. DescribeCluster does not show it. */
  creatorArn: string;
  endpoint: string;
  /** Base64 of a PEM certificate. */
  certificateAuthority: string;
  authenticationMode: AuthenticationMode;
  /** Whether EKS gave the creator an administrator's entry. */
  bootstrapClusterCreatorAdminPermissions: boolean;
  /** The roles of managed node groups and Fargate profiles, which EKS lets in. */
  nodeRoles: readonly NodeRole[];
  isPrivate: boolean;
  /** As the API of EKS lists them. */
  accessEntries: readonly AccessEntry[];
  /** The entries in force, which follow the API after a delay. */
  entryHistory: readonly EntriesFrom[];
  tags: Readonly<Record<string, string>>;
  updates: readonly ClusterUpdate[];
  createdAt: Date;
  status: "CREATING" | "ACTIVE" | "UPDATING" | "DELETING" | "FAILED";
  arn: string;
}

export interface ClusterUpdate {
  id: string;
  mode: AuthenticationMode;
  createdAt: Date;
  endsAt: number;
  clientRequestToken?: string;
}

export interface NodeRole {
  arn: string;
  type: Extract<EntryType, "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX">;
}

export type EksClusters = Map<string, EksCluster>;

/** The entries that are in force from a time on, in milliseconds since the epoch. */
export interface EntriesFrom {
  from: number;
  entries: readonly AccessEntry[];
}

/** One management event as CloudTrail keeps it. `record` is the JSON of the member CloudTrailEvent. */
export interface CloudTrailEvent {
  id: string;
  name: string;
  source: string;
  region: string;
  at: Date;
  readOnly: boolean;
  resources: readonly { type: string; name: string }[];
  record: Readonly<Record<string, unknown>>;
}
