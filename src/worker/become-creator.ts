import { AccessError, hasCode } from "../access/access-error.ts";
import { canonicalCaller } from "../access/arn.ts";
import { type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import { type CreatorRole, creatorArnOf, isSameCreator, type KnownCreator } from "../access/policy/creator.ts";
import type { AwsCredentials, CredentialSource } from "../aws/client-settings.ts";
import {
  creatorSessionPolicy,
  managerSessionPolicy,
  nextRoleSessionPolicy,
  type Purpose,
  sessionOf,
  tagsOf,
} from "../aws/session-policy.ts";
import {
  type AssumedSession,
  assumeRole,
  type CallerIdentity,
  callerIdentity,
  credentialsOfProfile,
  ownCredentials,
} from "../aws/sts.ts";
import type { RequestIds } from "../operations/announcements.ts";

/** The rights of a creator's session in EKS: look at its cluster; also change access entries; or migrate and rescue it. */
export type CreatorScope = "look" | "give" | "manage";

export interface CreatorSession {
  readonly credentials: AwsCredentials;
  readonly identity: CallerIdentity;
  readonly creatorArn: string;
}

/** Confirmed by AWS, for the memory of one run: never log or store them. @param log gets the calls to AWS @throws AccessError */
export async function becomeCreator(
  cluster: Cluster,
  creator: KnownCreator,
  purposes: readonly Purpose[],
  log?: RequestIds,
): Promise<CreatorSession> {
  const credentials = await credentialsOf(cluster, creator, purposes, log);
  const identity = await confirmCreator(cluster, creator, credentials, log);
  return { credentials, identity, creatorArn: creatorArnOf(creator) };
}

/** As `becomeCreator`, before AWS confirms them. @throws AccessError */
export function credentialsOf(
  cluster: Cluster,
  creator: KnownCreator,
  purposes: readonly Purpose[],
  log?: RequestIds,
  scope: CreatorScope = "look",
): Promise<AwsCredentials | AssumedSession> {
  if (creator.type === "role") return assumed(cluster, creator, purposes, log, scope);
  // An IAM user has no session, so CloudTrail does not show the requests; the audit log does.
  return creator.profile === undefined
    ? ownCredentials(cluster.region)
    : credentialsOfProfile(creator.profile, cluster.region);
}

/** Checks the identity that AWS names: with a session, or asked about keys. @throws AccessError if it is not the creator */
export async function confirmCreator(
  cluster: Cluster,
  creator: KnownCreator,
  credentials: AwsCredentials | AssumedSession,
  log?: RequestIds,
): Promise<CallerIdentity> {
  const { region, account, name } = cluster;
  const identity = "identity" in credentials ? credentials.identity : await callerIdentity(credentials, region, log);
  const isAsMeant = isSameCreator(canonicalCaller(identity.arn) ?? "", creatorArnOf(creator));
  if (identity.account === account && isAsMeant) return identity;
  throw mismatch(name, creator, identity.arn, kindOf(cluster, creator));
}

/** Each can only assume the next role; without roles the worker's own. @param lastPolicy the last session's rights */
export async function sessionThrough(
  region: string,
  through: CreatorRole["through"],
  purposes: readonly Purpose[],
  lastPolicy: string,
  log?: RequestIds,
): Promise<CredentialSource> {
  let source: CredentialSource = "default";
  for (const [index, step] of through.entries()) {
    // AWS refuses a second setting of transitive tags.
    const carried = index === 0 ? { tags: tagsOf(purposes), transitive: true } : {};
    const next = through[index + 1];
    const policy = next ? nextRoleSessionPolicy(next.roleArn) : lastPolicy;
    source = await assumeRole(source, { ...step, region, policy, ...sessionOf(purposes), ...carried }, log);
  }
  return source;
}

async function assumed(
  cluster: Cluster,
  creator: CreatorRole,
  purposes: readonly Purpose[],
  log: RequestIds | undefined,
  scope: CreatorScope,
): Promise<AssumedSession> {
  const { region } = cluster;
  const { roleArn, externalId, through } = creator;
  const source = await sessionThrough(region, through, purposes, nextRoleSessionPolicy(roleArn), log);
  const tags = through.length === 0 ? { tags: tagsOf(purposes) } : {};
  const arn = clusterArnOf(cluster);
  const policy =
    scope === "manage" ? managerSessionPolicy(arn) : creatorSessionPolicy(arn, { givesEntries: scope === "give" });
  try {
    return await assumeRole(source, { roleArn, externalId, region, policy, ...sessionOf(purposes), ...tags }, log);
  } catch (error) {
    if (!hasCode(error, "aws-access-denied")) throw error;
    const remedy = `This is the ${kindOf(cluster, creator)} of ${cluster.name}. ${error.remedy}`;
    throw new AccessError(error.code, error.what, { cause: error.cause, remedy });
  }
}

function kindOf({ operator }: Cluster, identity: KnownCreator): "creator" | "operator" {
  return operator === identity ? "operator" : "creator";
}

function mismatch(name: string, creator: KnownCreator, found: string, kind: "creator" | "operator"): AccessError {
  const arn = creatorArnOf(creator);
  const says = (who: string) => `AWS says that ${who} is ${found}, not ${arn}`;
  if (creator.type === "role") {
    const remedy = `Correct the ${kind} in eks-access.yml.`;
    return new AccessError("creator-mismatch", says(`the assumed ${kind} of ${name}`), { remedy });
  }
  const should = `which should be the creator of ${name},`;
  if (creator.profile !== undefined) {
    return new AccessError("creator-mismatch", says(`the worker's profile ${creator.profile}, ${should}`));
  }
  return new AccessError("creator-mismatch", says(`the worker itself, ${should}`), {
    remedy: "Set creator.profile, with this user's keys.",
  });
}
