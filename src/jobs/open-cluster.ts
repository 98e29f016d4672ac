import { assumeRole } from "../aws/assume-role.ts";
import { type CallerIdentity, callerIdentity } from "../aws/caller-identity.ts";
import type { AwsCredentials } from "../aws/credentials.ts";
import { type ClusterDescription, describeCluster } from "../aws/describe-cluster.ts";
import { mintToken } from "../aws/eks-token.ts";
import { sessionNameOf } from "../aws/session-name.ts";
import { AccessError } from "../failure/access-error.ts";
import { type ClusterClient, connectCluster } from "../kubernetes/cluster-client.ts";
import type { Cluster } from "../policy/cluster.ts";
import { canonicalCaller } from "../principal/arn.ts";

export interface OpenCluster {
  readonly client: ClusterClient;
  readonly description: ClusterDescription;
  close: () => void;
}

/** For whom a cluster is opened: a request, or what somebody asked in Slack. CloudTrail shows it. */
export interface Errand {
  readonly id: string;
  /** Slack user id. */
  readonly requester: string;
}

/** The creator's credentials, with who AWS says that they are. */
export interface CreatorSession {
  readonly credentials: AwsCredentials;
  readonly identity: CallerIdentity;
}

/**
 * Becomes the creator and connects to the cluster: who am I, assume, who am I now, describe, token (steps 1 to 3 of
 * the procedure in docs/architecture.md). The credentials live in this call alone. CloudTrail shows for whom: the
 * session carries the requests and the requester.
 *
 * @throws AccessError
 */
export async function openCluster(cluster: Cluster, errands: readonly Errand[], now: () => Date): Promise<OpenCluster> {
  await callerIdentity("default", cluster.region);
  const { credentials } = await becomeCreator(cluster, errands);
  const description = await describeCluster(credentials, cluster);
  if (description.authenticationMode === "API") {
    throw new AccessError("cluster-ignores-aws-auth", `${cluster.name} does not read aws-auth`);
  }
  const client = await connectAs(credentials, cluster, description, now());
  return { client, description, close: () => client.close() };
}

/** A client for a cluster, with a new token. Nothing is sent yet. */
export async function connectAs(
  credentials: AwsCredentials,
  cluster: Cluster,
  { endpoint, certificateAuthority }: ClusterDescription,
  now: Date,
): Promise<ClusterClient> {
  const token = await mintToken(credentials, cluster, now);
  return connectCluster({ name: cluster.name, endpoint, certificateAuthority, token });
}

/** Becomes the creator, and sees that it is the one that the configuration names. @throws AccessError */
export async function becomeCreator(cluster: Cluster, errands: readonly Errand[]): Promise<CreatorSession> {
  const { creator, region, account } = cluster;
  const ids = errands.map((errand) => errand.id);
  const requesters = [...new Set(errands.map((errand) => errand.requester))];
  const sourceIdentity = requesters.length === 1 ? requesters[0] : undefined;
  const credentials = await assumeRole("default", {
    roleArn: creator.roleArn,
    region,
    ...(creator.externalId ? { externalId: creator.externalId } : {}),
    sessionName: sessionNameOf(...requesters, ...ids),
    sourceIdentity: sourceIdentity ?? "eks-access",
    tags: { "eks-access:requests": tagValue(ids), "eks-access:requesters": tagValue(requesters) },
    durationSeconds: 900,
  });
  const identity = await callerIdentity(credentials, region);
  if (identity.account !== account || !isRole(identity.arn, creator.roleArn)) {
    throw new AccessError(
      "creator-mismatch",
      `AWS says that the assumed creator of ${cluster.name} is ${identity.arn}, not ${creator.roleArn}`,
    );
  }
  return { credentials, identity };
}

/** The caller's ARN names a role without its path. */
function isRole(callerArn: string, roleArn: string): boolean {
  const [prefix, ...path] = roleArn.split("/");
  return canonicalCaller(callerArn)?.toLowerCase() === `${prefix}/${path.at(-1)}`.toLowerCase();
}

/** AWS bounds a tag's value to 256 characters; what does not fit is counted, and the audit log has it all. */
function tagValue(values: readonly string[]): string {
  const text = values.join(" ");
  return text.length <= 256 ? text : `${values[0]} and ${values.length - 1} more`;
}
