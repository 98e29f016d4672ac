import { policyArnOf } from "./access-entry-rules.ts";
import { createClusterEvent, type UserIdentity } from "./cloudtrail.ts";
import type { AwsContext } from "./context.ts";
import {
  type AccessEntry,
  type AuthenticationMode,
  type EksCluster,
  type EntriesFrom,
  newEntry,
  type SandboxAccessEntry,
} from "./eks-cluster.ts";

export const withoutEntries: ClusterAccess = { mode: "CONFIG_MAP", entries: [] };

/** The creator must be an identity of the cluster's account. */
export interface NewCluster
  extends Pick<EksCluster, "name" | "region" | "creatorArn" | "endpoint" | "certificateAuthority">,
    Partial<Pick<EksCluster, "authenticationMode" | "bootstrapClusterCreatorAdminPermissions" | "nodeRoles">>,
    Partial<Pick<EksCluster, "isPrivate" | "createdAt" | "status" | "tags">> {
  account?: string;
  recordedAs?: UserIdentity | "none";
}

/** `accessEntries` replaces all entries except EKS's own. */
export type ClusterChange = Partial<
  Pick<EksCluster, "status" | "tags" | "authenticationMode" | "endpoint" | "certificateAuthority" | "nodeRoles">
> & { accessEntries?: readonly SandboxAccessEntry[] };

export interface Registry extends Pick<AwsContext, "account" | "now" | "record"> {
  clusters: Map<string, EksCluster>;
}

export function addCluster(registry: Registry, cluster: NewCluster): string {
  const { account, now, clusters, record } = registry;
  const { name, region, creatorArn, endpoint, certificateAuthority, nodeRoles = [] } = cluster;
  const arn = `arn:${account.partition}:eks:${region}:${cluster.account ?? account.id}:cluster/${name}`;
  const {
    authenticationMode = "CONFIG_MAP",
    createdAt = now(),
    status = "ACTIVE",
    recordedAs,
    isPrivate = false,
  } = cluster;
  const { bootstrapClusterCreatorAdminPermissions = true } = cluster;
  if (!bootstrapClusterCreatorAdminPermissions && authenticationMode === "CONFIG_MAP") {
    throw new Error(
      "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP",
    );
  }
  const known = { name, region, creatorArn, endpoint, certificateAuthority, nodeRoles, isPrivate };
  const added: EksCluster = {
    ...{ ...known, bootstrapClusterCreatorAdminPermissions, createdAt, status, arn, tags: cluster.tags ?? {} },
    ...{ authenticationMode: "CONFIG_MAP", accessEntries: [], entryHistory: [], updates: [] },
  };
  clusters.set(arn, switchMode(registry, added, authenticationMode));
  if (recordedAs !== "none") {
    record(createClusterEvent(added, account.identity(creatorArn), recordedAs));
  }
  return arn;
}

export function updateCluster(registry: Registry, arn: string, change: ClusterChange): void {
  const cluster = registry.clusters.get(arn);
  if (!cluster) throw new Error(`there is no ${arn} in the sandbox`);
  const { accessEntries, authenticationMode = cluster.authenticationMode, ...rest } = change;
  const changed = switchMode(registry, { ...cluster, ...rest }, authenticationMode);
  const own = [changed.creatorArn, ...changed.nodeRoles.map((role) => role.arn)];
  const kept = changed.accessEntries.filter(({ principalArn }) => own.includes(principalArn));
  registry.clusters.set(arn, accessEntries ? seeded(registry, changed, kept, accessEntries) : changed);
}

/** EKS makes entries of the creator, of managed nodes and of Fargate profiles; other entries stay in aws-auth. */
export function switchMode(
  registry: Registry,
  cluster: EksCluster,
  authenticationMode: AuthenticationMode,
): EksCluster {
  const begins = cluster.authenticationMode === "CONFIG_MAP" && authenticationMode !== "CONFIG_MAP";
  const switched = { ...cluster, authenticationMode };
  if (!begins) return switched;
  const has = (arn: string) => cluster.accessEntries.some(({ principalArn }) => principalArn === arn);
  const missing = ownSeeds(registry, cluster).filter(({ principalArn }) => !has(principalArn));
  return seeded(registry, switched, cluster.accessEntries, missing);
}

export function withAccessEntries(
  { now }: Pick<Registry, "now">,
  cluster: EksCluster,
  accessEntries: readonly AccessEntry[],
  delayMs: number,
): EksCluster {
  const at = now().getTime();
  return {
    ...cluster,
    accessEntries,
    entryHistory: withEntries(cluster.entryHistory, accessEntries, at + delayMs, at),
  };
}

/** An entry of a cluster as it begins; EKS names it and its groups by its type, if it does not. */
type Seed = Pick<SandboxAccessEntry, "principalArn" | "type" | "policies"> & Partial<SandboxAccessEntry>;

function ownSeeds({ account }: Registry, cluster: EksCluster): readonly Seed[] {
  const { creatorArn, bootstrapClusterCreatorAdminPermissions: bootstrap, nodeRoles } = cluster;
  const policies = [policyArnOf(account.partition, "AmazonEKSClusterAdminPolicy")];
  return [
    ...(bootstrap ? [{ principalArn: creatorArn, policies }] : []),
    ...nodeRoles.map(({ arn, type }) => ({ principalArn: arn, type, policies: [] })),
  ];
}

function seeded(registry: Registry, cluster: EksCluster, kept: readonly AccessEntry[], seeds: readonly Seed[]) {
  const at = registry.now();
  const made = seeds.map(({ principalArn, type = "STANDARD", policies, ...named }) => {
    const principalId = registry.account.identity(principalArn)?.id;
    const associated = policies.map((policyArn) => ({ policyArn, namespaces: null, associatedAt: at, modifiedAt: at }));
    return newEntry(cluster.arn, { ...named, principalArn, principalId, type, policies: associated }, at);
  });
  return withAccessEntries(registry, cluster, [...kept, ...made], 0);
}

export type ClusterAccess = { mode: AuthenticationMode; entries: readonly EntryInForce[] };

/** EKS compares principals by their id, whatever path or account their ARN has. */
export interface EntryInForce extends Pick<AccessEntry, "principalArn" | "username" | "groups" | "policies"> {
  principalId: string;
}

function withEntries(history: readonly EntriesFrom[], entries: readonly AccessEntry[], from: number, now: number) {
  const current = inForce(history, now);
  const coming = history.filter((each) => each.from > now);
  const last = coming.at(-1)?.from ?? from;
  return [...(current ? [current] : []), ...coming, { from: Math.max(from, last), entries }];
}

export function accessOf(cluster: EksCluster, now: number): ClusterAccess {
  const entries = inForce(cluster.entryHistory, now)?.entries ?? [];
  return {
    mode: cluster.authenticationMode,
    entries:
      cluster.authenticationMode === "CONFIG_MAP"
        ? []
        : entries.flatMap(({ principalId, ...entry }) =>
            principalId === undefined ? [] : [{ principalId, ...entry }],
          ),
  };
}

function inForce(history: readonly EntriesFrom[], now: number): EntriesFrom | undefined {
  return history.findLast((each) => each.from <= now);
}
