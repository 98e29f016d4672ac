import type { SandboxAccessEntry } from "./access-entries.ts";
import type { CloudTrail } from "./cloudtrail.ts";
import { createClusterEvent } from "./cloudtrail-events.ts";
import type { AwsContext } from "./context.ts";
import type { CreatorRecord } from "./user-identity.ts";

export type AuthenticationMode = "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";

/** A cluster as the EKS control plane knows it. */
export interface EksCluster {
  name: string;
  region: string;
  /** The IAM role or user that created it. EKS itself does not tell: DescribeCluster has no such field. */
  creatorArn: string;
  endpoint: string;
  /** Base64 of a PEM certificate. */
  certificateAuthority: string;
  authenticationMode: AuthenticationMode;
  /** None where nobody made any. */
  accessEntries?: readonly SandboxAccessEntry[];
  createdAt: Date;
  status: "CREATING" | "ACTIVE" | "UPDATING" | "DELETING" | "FAILED";
  arn: string;
}

/** The clusters of all regions, by ARN. */
export type EksClusters = Map<string, EksCluster>;

/** What `addCluster` takes. The creator must be an identity of the account. */
export interface NewCluster {
  name: string;
  region: string;
  creatorArn: string;
  endpoint: string;
  /** Base64 of a PEM certificate, as DescribeCluster gives it. */
  certificateAuthority: string;
  authenticationMode?: AuthenticationMode;
  createdAt?: Date;
  status?: EksCluster["status"];
  /** How CloudTrail recorded the creation: by the kind of the creator unless told otherwise; `"none"` leaves no record. */
  recordedAs?: CreatorRecord | "none";
}

export type ClusterChange = Partial<
  Pick<EksCluster, "status" | "authenticationMode" | "accessEntries" | "endpoint" | "certificateAuthority">
>;

interface Registry extends Pick<AwsContext, "account" | "now"> {
  clusters: EksClusters;
  cloudTrail: CloudTrail;
}

export function addCluster({ account, now, clusters, cloudTrail }: Registry, cluster: NewCluster): string {
  const { name, region, creatorArn, endpoint, certificateAuthority } = cluster;
  const arn = `arn:${account.partition}:eks:${region}:${account.id}:cluster/${name}`;
  const { authenticationMode = "CONFIG_MAP", createdAt = now(), status = "ACTIVE", recordedAs } = cluster;
  const known = { name, region, creatorArn, endpoint, certificateAuthority };
  const added: EksCluster = { ...known, authenticationMode, createdAt, status, arn };
  clusters.set(arn, added);
  if (recordedAs !== "none") {
    cloudTrail.record(createClusterEvent(added, account.identity(creatorArn), recordedAs));
  }
  return arn;
}

export function updateCluster(clusters: EksClusters, arn: string, change: ClusterChange): void {
  const cluster = clusters.get(arn);
  if (!cluster) throw new Error(`there is no ${arn} in the sandbox`);
  clusters.set(arn, { ...cluster, ...change });
}
