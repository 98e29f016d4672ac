import { AccessError } from "../access/access-error.ts";
import { type AuthenticationMode, type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import {
  type CreationRecord,
  type CreatorToDiscover,
  creatorArnOf,
  isOperator,
  isRecordOfCluster,
  type KnownCreator,
  runsAs,
} from "../access/policy/creator.ts";
import { type AccessEntries, accessEntriesOf } from "../aws/access-entries.ts";
import type { AwsCredentials } from "../aws/client-settings.ts";
import type { ClusterDescription, EksCluster } from "../aws/eks-cluster.ts";
import type { Purpose } from "../aws/session-policy.ts";
import { callerIdentity, mintToken } from "../aws/sts.ts";
import { type ClusterClient, connectCluster, whileOpen } from "../kubernetes/cluster-client.ts";
import type { KnownIdentity, Remedies } from "../kubernetes/connection.ts";
import type { ClusterLedger } from "../ledger/clusters.ts";
import type { RequestIds } from "../operations/announcements.ts";
import { becomeCreator, confirmCreator, credentialsOf } from "./become-creator.ts";
import {
  askCloudTrail,
  creationOf,
  creatorOfRecord,
  type DiscoveryContext,
  identityOfRun,
  rememberedCreation,
  seenCreation,
} from "./discover-creator.ts";
import { openEksForEntries, openEksOfRun } from "./open-eks.ts";

interface OpeningContext extends DiscoveryContext {
  readonly ledger: DiscoveryContext["ledger"] & AcceptanceLedger;
  /** Gets the calls to AWS, also failed ones; absent: no record of them. */
  readonly awsRequests?: RequestIds;
  readonly auditIds?: RequestIds;
}

export interface OpenedCluster {
  readonly client: ClusterClient;
  /** The cluster's creator, which must never go into aws-auth; null: only CloudTrail knows it, and no run needs it. */
  readonly creatorArn: string | null;
  readonly mode: AuthenticationMode;
  /** Null: the cluster has no access entries. */
  readonly entries: AccessEntries | null;
  /** When IAM made a role of the cluster's account, ISO 8601; null: it has none of this name. @throws AccessError */
  readonly roleMadeAt: (roleArn: string) => Promise<string | null>;
  readonly tags: Readonly<Record<string, string>>;
  /** A client of the same cluster for another person. It sends nothing yet. */
  readonly connectAs: (
    credentials: AwsCredentials,
    purpose: Purpose,
    options: ConnectOptions,
  ) => Promise<ClusterClient>;
  close: () => void;
}

export type OpenCluster = OpenedCluster & { readonly description: ClusterDescription };

/** Assumes the role, confirms the identity, describes the cluster, makes a token. @throws AccessError */
export async function openCluster(
  context: OpeningContext,
  cluster: Cluster,
  purposes: readonly Purpose[],
): Promise<OpenCluster> {
  const opening = { context, cluster, purposes };
  const identity = runsAs(cluster);
  return identity.type === "discover" ? openDiscovered(opening, identity) : openAs(opening, identity);
}

interface Opening {
  readonly context: OpeningContext;
  readonly cluster: Cluster;
  readonly purposes: readonly Purpose[];
}

/** Asks CloudTrail if the ledger has no creator, or one that no longer fits: a person may have made the cluster again. */
async function openDiscovered(opening: Opening, way: CreatorToDiscover): Promise<OpenCluster> {
  const { context, cluster } = opening;
  const record = await creationOf(context, cluster);
  const first = await attempt(opening, way, record);
  if (first.type === "open") return first.open;
  const newer = record && (await askCloudTrail(context, cluster, first.createdAt).catch(() => null));
  if (!newer || newer.eventId === record.eventId) throw first.error;
  const second = await attempt(opening, way, newer);
  if (second.type === "open") return second.open;
  throw second.error;
}

type Attempt =
  | { readonly type: "open"; readonly open: OpenCluster }
  | { readonly type: "stale"; readonly error: AccessError; readonly createdAt: Date | null };

/** Opens the cluster as the creator of a record. Throws only failures that an old record can't cause. */
async function attempt(opening: Opening, way: CreatorToDiscover, record: CreationRecord | null): Promise<Attempt> {
  const { cluster } = opening;
  try {
    const open = await openAs(opening, creatorOfRecord(cluster, way, record));
    const { createdAt } = open.description;
    if (!record || isRecordOfCluster(record, createdAt)) return { type: "open", open };
    open.close();
    const what = `CloudTrail knows only an older ${cluster.name}, and can lag 15 minutes`;
    return { type: "stale", error: new AccessError("creator-unknown", what), createdAt };
  } catch (error) {
    if (!(error instanceof AccessError) || error.retryable) throw error;
    return { type: "stale", error, createdAt: null };
  }
}

async function openAs({ context, cluster, purposes }: Opening, creator: KnownCreator): Promise<OpenCluster> {
  const { now, awsRequests, auditIds, ledger } = context;
  const isAsCreator = cluster.accessEntries.as === "creator";
  const isOwn = creator.type === "role" || creator.profile === undefined;
  const credentials = await credentialsOf(cluster, creator, purposes, awsRequests, isAsCreator ? "give" : "look").catch(
    async (error: unknown) => {
      // A worker without an identity says so, instead of a refusal of the first role.
      if (isOwn) await callerIdentity("default", cluster.region, awsRequests);
      throw error;
    },
  );
  await confirmCreator(cluster, creator, credentials, awsRequests);
  const eks = await openEksOfRun(credentials, cluster, awsRequests);
  const { description } = eks;
  const { authenticationMode: mode, tags } = description;
  const creatorArn = await creatorArnFor(context, cluster, creator);
  const toGive = mode === "CONFIG_MAP" ? null : await openEksForEntries(cluster, eks, awsRequests);
  const client = await connectAs(credentials, cluster, description, now(), purposes, {
    auditIds,
    as: creatorArnOf(creator),
    ledger,
  });
  const entries = toGive && accessEntriesOf(toGive, awsRequests);
  const asOther: OpenedCluster["connectAs"] = (other, purpose, options) =>
    connectAs(other, cluster, description, now(), [purpose], options);
  const roleMadeAt = (arn: string) => eks.roleMadeAt(arn, awsRequests);
  return { client, description, mode, entries, roleMadeAt, tags, creatorArn, connectAs: asOther, close: client.close };
}

interface ConnectOptions {
  readonly auditIds?: RequestIds | undefined;
  /** The ARN of the credentials, and the memory of its last acceptance. */
  readonly as?: string;
  readonly ledger?: AcceptanceLedger;
  /** As in `mintToken`. */
  readonly tokenSeconds?: number;
}

export async function connectAs(
  credentials: AwsCredentials,
  cluster: Cluster,
  description: ClusterDescription,
  now: Date,
  purposes: readonly Purpose[],
  { auditIds, as: arn, ledger, tokenSeconds }: ConnectOptions,
): Promise<ClusterClient> {
  const token = await mintToken(credentials, cluster, now, tokenSeconds);
  const { name, endpoint = description.endpoint } = cluster;
  const { certificateAuthority = description.certificateAuthority } = cluster;
  const requests = purposes.map(({ id }) => id);
  const as =
    arn === undefined
      ? undefined
      : { ...identityWithMemory(endpoint, arn, ledger), remedies: remediesFor(cluster, arn, description) };
  return connectCluster({ name, endpoint, certificateAuthority, token, as, requests, auditIds });
}

/** What to do if the API server refuses the operator, or a creator without rights; undefined: nothing special. */
function remediesFor(
  cluster: Cluster,
  arn: string,
  { isCreatorAdmin, authenticationMode }: ClusterDescription,
): Remedies | undefined {
  const run = `Run eks-access bootstrap ${cluster.name} --apply.`;
  const isByMap = authenticationMode === "CONFIG_MAP";
  const why = isByMap ? "aws-auth may be broken (docs/rescue.md)" : "Its authenticator may be down";
  if (isOperator(cluster, arn)) {
    return {
      unauthorized: run,
      noLongerAuthorized: `${why}, or the identity's ${isByMap ? "" : "access "}entry gone. ${run}`,
      forbidden: `The operator lacks this right. ${run}`,
    };
  }
  if (isCreatorAdmin) return undefined;
  return {
    unauthorized: `EKS gave the creator no rights (bootstrapClusterCreatorAdminPermissions: false). Name an operator. ${run}`,
  };
}

type AcceptanceLedger = Pick<ClusterLedger, "lastAcceptedAt" | "rememberAccepted">;

/** An identity's last acceptance explains a 401 and gives no access, so failures of the ledger are ignored. */
function identityWithMemory(endpoint: string, arn: string, ledger: AcceptanceLedger | undefined): KnownIdentity {
  const place = `${endpoint} ${arn}`;
  return {
    arn,
    lastAcceptedAt: async () => (await ledger?.lastAcceptedAt(place).catch(() => null)) ?? null,
    noteAccepted: async () => void (await ledger?.rememberAccepted(place, new Date()).catch(() => undefined)),
  };
}

/** It must get no lease. A run as the operator does not ask CloudTrail, and an attacker with Redis could delete its memory. @param identity the identity of the run */
export async function creatorArnFor(
  context: DiscoveryContext,
  cluster: Cluster,
  identity: KnownCreator,
): Promise<string | null> {
  if (!cluster.operator) return creatorArnOf(identity);
  const known = creatorArnOf(cluster.creator) ?? (await rememberedCreation(context, cluster))?.arn;
  return known ?? seenCreation(clusterArnOf(cluster))?.record.arn ?? null;
}

/** A cluster to look at only, in any authentication mode. */
export interface ReachedCluster {
  readonly eks: EksCluster;
  /** Null: only CloudTrail knows it, and no look needs it. */
  readonly creatorArn: string | null;
  readonly description: ClusterDescription;
  readonly client: ClusterClient;
}

/** Opens a cluster for a person's question, looks, and closes it. @throws AccessError */
export async function reachCluster<T>(
  context: OpeningContext,
  cluster: Cluster,
  purpose: Purpose,
  look: (reached: ReachedCluster) => Promise<T>,
): Promise<T> {
  const identity = await identityOfRun(context, cluster);
  const { credentials } = await becomeCreator(cluster, identity, [purpose]);
  const eks = await openEksOfRun(credentials, cluster);
  const { description } = eks;
  const creatorArn = await creatorArnFor(context, cluster, identity);
  const options = { auditIds: context.auditIds, as: creatorArnOf(identity), ledger: context.ledger };
  const connecting = connectAs(credentials, cluster, description, context.now(), [purpose], options);
  return whileOpen(connecting, (client) => look({ eks, creatorArn, description, client }));
}
