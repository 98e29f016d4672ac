import { assumeRole } from "../aws/assume-role.ts";
import { callerIdentity } from "../aws/caller-identity.ts";
import type { AwsCredentials } from "../aws/credentials.ts";
import { type ClusterDescription, describeCluster } from "../aws/describe-cluster.ts";
import { mintToken } from "../aws/eks-token.ts";
import { sessionNameOf } from "../aws/session-name.ts";
import { AccessError } from "../failure/access-error.ts";
import { type ClusterClient, connectCluster } from "../kubernetes/cluster-client.ts";
import type { Cluster } from "../policy/cluster.ts";
import { canonicalCaller } from "../principal/arn.ts";
import type { AccessRequest } from "../request/request.ts";

export interface OpenCluster {
  readonly client: ClusterClient;
  readonly description: ClusterDescription;
  close: () => void;
}

/**
 * Becomes the creator and connects to the cluster: who am I, assume, who am I now, describe, token (steps 1 to 3 of
 * the procedure in docs/architecture.md). The credentials live in this call alone. CloudTrail shows for whom: the
 * session carries the requests and the requester.
 *
 * @throws AccessError
 */
export async function openCluster(
  cluster: Cluster,
  requests: readonly AccessRequest[],
  now: () => Date,
): Promise<OpenCluster> {
  const { region } = cluster;
  await callerIdentity("default", region);
  const credentials = await becomeCreator(cluster, requests);
  const description = await describeCluster(credentials, cluster);
  if (description.authenticationMode === "API") {
    throw new AccessError("cluster-ignores-aws-auth", `${cluster.name} does not read aws-auth`);
  }
  const token = await mintToken(credentials, cluster, now());
  const { endpoint, certificateAuthority } = description;
  const client = connectCluster({ name: cluster.name, endpoint, certificateAuthority, token });
  return { client, description, close: () => client.close() };
}

async function becomeCreator(cluster: Cluster, requests: readonly AccessRequest[]): Promise<AwsCredentials> {
  const { creator, region, account } = cluster;
  const ids = requests.map((request) => request.id);
  const requesters = [...new Set(requests.map((request) => request.requester))];
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
  return credentials;
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
