import type { Logger } from "pino";
import { AccessError, explainFailure, hasCode, nullIf, withRemedy } from "../access/access-error.ts";
import { type Cluster, clusterArnOf, partitionOf } from "../access/policy/cluster.ts";
import type { KnownCreator, RoleStep } from "../access/policy/creator.ts";
import type { AwsCredentials, CredentialSource } from "../aws/client-settings.ts";
import { EksCluster } from "../aws/eks-cluster.ts";
import { managerSessionPolicy, type Purpose } from "../aws/session-policy.ts";
import { type CallerIdentity, callerIdentity } from "../aws/sts.ts";
import type { Config } from "../config/config.ts";
import type { IdentityReport } from "../diagnosis/reports.ts";
import type { ClusterLedger } from "../ledger/clusters.ts";
import type { RequestIds } from "../operations/announcements.ts";
import { credentialsOf, sessionThrough } from "./become-creator.ts";

/** EKS for one cluster, with these credentials. @throws AccessError if EKS has another cluster than the configured one */
export function openEks(
  source: CredentialSource,
  cluster: Cluster,
  log?: RequestIds,
  entriesRemedy?: string,
): Promise<EksCluster> {
  const { eksName, region, account } = cluster;
  const address = { eksName, region, account, partition: partitionOf(cluster) };
  return EksCluster.open(source, { ...address, ...(entriesRemedy !== undefined && { entriesRemedy }) }, log);
}

/** The same as the identity of a run, the operator or the creator. A refusal names its policy. @throws AccessError */
export function openEksOfRun(source: AwsCredentials, cluster: Cluster, log?: RequestIds): Promise<EksCluster> {
  const [who, file] = cluster.operator
    ? (["operator", "operator-policy.json"] as const)
    : ["creator", "creator-policy.json"];
  const remedy = statementsRemedy(who, file);
  return openEks(source, cluster, log, cluster.operator && remedy).catch(withRemedy(remedy, ...denied));
}

/** With the identity that makes access entries there. @param asCreator EKS as the creator @throws AccessError */
export async function openEksForEntries(
  cluster: Cluster,
  asCreator: EksCluster,
  log?: RequestIds,
): Promise<EksCluster> {
  if (cluster.accessEntries.as === "creator") return asCreator;
  try {
    return await openEks("default", cluster, log);
  } catch (error) {
    // In another account EKS has no such cluster, or refuses to look for it.
    if (!(error instanceof AccessError) || error.retryable) throw error;
    throw refuseOwnIdentity(cluster, await callerIdentity("default", cluster.region, log)) ?? error;
  }
}

/**
 * EKS for one cluster, with the identity that bootstraps, migrates and rescues it. In the worker's own account that is
 * the worker, in another one the first role there on the way to the operator or the creator: fewer roles can fail in a
 * rescue.
 * @param identity called only if no role on the way is of that account
 * @throws AccessError
 */
export async function openEksToManage(
  cluster: Cluster,
  purposes: readonly Purpose[],
  identity: () => Promise<KnownCreator>,
  log?: RequestIds,
): Promise<EksCluster> {
  const { region, account } = cluster;
  // A worker with profiles for all creators can be without its own identity.
  const own = await callerIdentity("default", region, log).catch(nullIf("aws-credentials-missing"));
  if (own?.account === account) return openEks("default", cluster, log).catch(namingOwnPolicy());
  const chain = rolesInto(cluster);
  const source =
    chain.length > 0
      ? await sessionThrough(region, chain, purposes, managerSessionPolicy(clusterArnOf(cluster)), log)
      : await credentialsOf(cluster, await identity(), purposes, log, "manage");
  return openEks(source, cluster, log).catch(namingOwnPolicy());
}

interface OwnContext {
  readonly config: Pick<Config, "clusters">;
  readonly ledger: Pick<ClusterLedger, "setWorkerIdentity">;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Publishes who the worker is, so that `creator` and `whoami` can name it, or says why AWS does not. */
export async function publishIdentity({ config, ledger, log, now }: OwnContext): Promise<IdentityReport> {
  const [first] = config.clusters.values();
  try {
    const { arn, account } = await callerIdentity("default", first?.region ?? "us-east-1");
    await ledger.setWorkerIdentity({ arn, account, at: now().toISOString() });
    return { trouble: null };
  } catch (error) {
    log.warn({ err: error }, "could not learn the worker's own identity");
    return { trouble: explainFailure(error) };
  }
}

/** The roles up to the first one of this account; empty: there is none. */
function rolesInto({ account, creator, operator }: Cluster): readonly RoleStep[] {
  const chains = [operator, creator].map((identity) => {
    if (!identity || identity.type === "user") return [];
    const first = identity.through.findIndex(({ roleArn }) => roleArn.split(":")[4] === account);
    return identity.through.slice(0, first + 1);
  });
  return chains.find((chain) => chain.length > 0) ?? [];
}

/**
 * Refuses to start if the worker's own identity makes access entries (`accessEntries.as: worker`) of a cluster in
 * another account: EKS would look for that name in the worker's account. If AWS does not answer now, each run checks
 * it. @throws AccessError `config-invalid`, naming each such cluster
 */
export async function checkOwnAccount({ config, log }: Pick<OwnContext, "config" | "log">): Promise<void> {
  const clusters = [...config.clusters.values()].filter(({ accessEntries }) => accessEntries.as === "worker");
  const [first] = clusters;
  if (!first) return;
  try {
    const own = await callerIdentity("default", first.region);
    const refusals = clusters.flatMap((cluster) => refuseOwnIdentity(cluster, own) ?? []);
    if (refusals.length === 0) return;
    throw new AccessError("config-invalid", refusals.map(({ what }) => what).join(". "), { remedy: ownAccountRemedy });
  } catch (error) {
    if (hasCode(error, "config-invalid")) throw error;
    log.warn({ err: error }, "AWS did not name the worker's account: each run asks again");
  }
}

/** Of the promise of a call: who migrates or rescues is not who makes entries of leases. @param file of deploy/iam, with the missing statements */
export function namingOwnPolicy(file = "rescue-policy.json"): (error: unknown) => never {
  return withRemedy(statementsRemedy("identity", file), ...denied);
}

const ownAccountRemedy = "Set accessEntries.as to creator.";

/** Why the worker itself can't make a cluster's access entries (`accessEntries.as: worker`); null: it can, or does not. */
function refuseOwnIdentity({ name, account, accessEntries }: Cluster, own: CallerIdentity): AccessError | null {
  if (accessEntries.as === "creator" || own.account === account) return null;
  return new AccessError("cluster-mismatch", `The worker, ${own.arn}, can't reach ${name} in account ${account}`, {
    remedy: ownAccountRemedy,
  });
}

function statementsRemedy(who: string, file: string): string {
  return `Give the ${who} the statements of deploy/iam/${file}.`;
}

const denied = ["access-entry-denied", "aws-access-denied"] as const;
