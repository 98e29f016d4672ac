import type { AccessEntry, EntryType } from "./access-entry.ts";

export type AuthenticationMode = "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";

/** A cluster as the EKS control plane knows it. */
export interface EksCluster {
  name: string;
  region: string;
  /** The IAM role or user that created it. EKS does not show it: DescribeCluster has no such field. */
  creatorArn: string;
  endpoint: string;
  /** Base64 of a PEM certificate. */
  certificateAuthority: string;
  authenticationMode: AuthenticationMode;
  /** Whether the creator got an entry of an administrator with the cluster. */
  bootstrapClusterCreatorAdminPermissions: boolean;
  /** Roles of managed node groups and of Fargate profiles: EKS itself lets them in. */
  nodeRoles: readonly NodeRole[];
  /** Whether its API server has no address outside of its network. */
  isPrivate: boolean;
  /** As the API of EKS lists them. */
  accessEntries: readonly AccessEntry[];
  /** As they are in force: the API is ahead of the cluster. */
  entryHistory: readonly EntriesFrom[];
  tags: Readonly<Record<string, string>>;
  /** Of its mode; the last one may be going on. */
  updates: readonly ClusterUpdate[];
  createdAt: Date;
  status: "CREATING" | "ACTIVE" | "UPDATING" | "DELETING" | "FAILED";
  arn: string;
}

/** A change of the mode, from the call until it is carried out. */
export interface ClusterUpdate {
  id: string;
  mode: AuthenticationMode;
  createdAt: Date;
  /** Milliseconds since the epoch. */
  endsAt: number;
  clientRequestToken?: string;
}

export interface NodeRole {
  arn: string;
  type: Extract<EntryType, "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX">;
}

/** The clusters of all regions, by ARN. */
export type EksClusters = Map<string, EksCluster>;

/** The entries that are in force from a time on, in milliseconds since the epoch. */
export interface EntriesFrom {
  from: number;
  entries: readonly AccessEntry[];
}

/** One management event as CloudTrail keeps it. `record` is what the member CloudTrailEvent holds as a JSON string. */
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
