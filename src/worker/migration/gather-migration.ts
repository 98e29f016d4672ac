import { nullIf } from "../../access/access-error.ts";
import { mapOwner } from "../../access/lease/drift.ts";
import { withLedgerMemory } from "../../access/lease/holding.ts";
import type { Migration } from "../../access/migration.ts";
import { type Cluster, clusterArnOf, partitionOf, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import { managedNodes } from "../../aws/node-roles.ts";
import type { Purpose } from "../../aws/session-policy.ts";
import { parseSteps } from "../../aws-auth/index.ts";
import { type MigrationFacts, type PresentEntry, principalKey } from "../../diagnosis/migration/facts.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import type { RequestIds } from "../../operations/announcements.ts";
import { inParallel, inTurns, once } from "../../operations/parallel.ts";
import { operatorTag } from "../bootstrap.ts";
import type { WorkerContext } from "../context.ts";
import { identityOfRun } from "../discover-creator.ts";
import { type ReachedCluster, reachCluster } from "../open-cluster.ts";
import { namingOwnPolicy, openEksToManage } from "../open-eks.ts";
import { readRoleTimes } from "../questions/look-at-cluster.ts";
import { memoryBeside } from "../remembered.ts";

/** The tag of our migrations on an access entry: `begun` with the id of its migration, sealed; then `whole`. */
export const migrationTag = "eks-access/migration";

/** A bootstrap's entry has no end. */
const tagsOfNoLease: readonly string[] = [migrationTag, operatorTag];

/** Anyone who may tag can write or copy a tag, and the worker overwrites and deletes an entry that this migration began. */
export interface BegunTags {
  readonly tagFor: (principalArn: string) => Readonly<Record<string, string>>;
  /** Null: no migration of ours began it. */
  readonly begunBy: (entry: AccessEntry) => "this" | "another" | null;
}

function begunTags(cluster: Cluster, id: string, keys: MemoryKeys): BegunTags {
  const sealed = (principalArn: string, migration: string) => {
    return { cluster: sealedClusterOf(cluster), principal: principalArn.toLowerCase(), migration };
  };
  return {
    tagFor: (principalArn) => {
      return { [migrationTag]: `begun ${id} ${keys.seal("migration", sealed(principalArn, id))}` };
    },
    begunBy: ({ principalArn, tags }) => {
      const [word, migration = "", seal] = (tags[migrationTag] ?? "").split(" ");
      if (word !== "begun" || !keys.isSealed("migration", sealed(principalArn, migration), seal)) return null;
      return migration === id ? "this" : "another";
    },
  };
}

/** EKS throttles callers that ask for many entries at once. */
const atOnce = 5;

/** The facts for a plan, with their document; null: there is none, or it is not read. */
export interface GatheredMigration {
  readonly facts: MigrationFacts;
  readonly configMap: AwsAuthConfigMap | null;
  readonly updating: boolean;
  readonly begunTags: BegunTags;
  /** EKS with the right to carry the plan out. @throws AccessError */
  readonly openManager: () => Promise<EksCluster>;
}

/** A migration, or a question about one. */
type Asked = Purpose & Pick<Migration, "givenArns">;

/** Writes nothing. @throws AccessError */
export function gatherMigration(context: WorkerContext, cluster: Cluster, asked: Asked): Promise<MigrationFacts> {
  return withMigration(context, cluster, asked, async (_, { facts }) => facts);
}

/** The same, with the open cluster for writing. @throws AccessError */
export function withMigration<T>(
  context: WorkerContext,
  cluster: Cluster,
  asked: Asked,
  run: (reached: ReachedCluster, gathered: GatheredMigration) => Promise<T>,
): Promise<T> {
  return reachCluster(context, cluster, asked, async (reached) =>
    run(reached, await gather(context, cluster, reached, asked)),
  );
}

async function gather(
  context: WorkerContext,
  cluster: Cluster,
  { client, eks, creatorArn, description }: ReachedCluster,
  asked: Asked,
): Promise<GatheredMigration> {
  const { givenArns } = asked;
  const { ledger, keys } = context;
  const { name, account } = cluster;
  const { authenticationMode: mode, status } = description;
  const updating = status === "UPDATING";
  const begun = begunTags(cluster, asked.id, keys.memory);
  const entries = accessEntriesOf(eks);
  const read = mode === "CONFIG_MAP" ? [] : await inParallel(await entries.list(), entries.describe, atOnce);
  const presentEntries = read.flatMap((entry) => (entry ? [presentEntryOf(entry, begun.begunBy(entry) !== null)] : []));
  const configMap = mode === "API" ? null : await client.readAwsAuth();
  const beside = memoryBeside(cluster, configMap, keys.memory).holdings;
  const { holdings } = withLedgerMemory(sealedClusterOf(cluster), beside, await ledger.leasedOf(name), keys.memory);
  const document = await inTurns(parseSteps(configMap?.data ?? {}));
  const owner = mapOwner(cluster, configMap?.managers ?? []);
  const place = { cluster: name, clusterArn: clusterArnOf(cluster), account, partition: partitionOf(cluster) };
  const openManager = once(() =>
    openEksToManage(cluster, [asked], () => identityOfRun(context, cluster), context.awsRequests),
  );
  const mapped = new Set(document.entries.map(({ arn }) => principalKey(arn)));
  const replacing = presentEntries.filter(({ principalArn }) => mapped.has(principalKey(principalArn)));
  const roles = await readRoleTimes(eks, cluster, { entries: replacing, document: null });
  // A run's session can lack this permission; the identity that carries out the plan has it.
  const nodes = await openManager().then(managedNodes).catch(nullIf("aws-access-denied"));
  const known = { mode, managedNodes: nodes, document, presentEntries, creatorArn, owner, holdings, givenArns, roles };
  return { facts: { ...place, ...known }, configMap, updating, begunTags: begun, openManager };
}

/** The access entries as the identity that carries the plan out. @throws AccessError; a refusal names its policy */
export function withManager<T>(
  openManager: GatheredMigration["openManager"],
  log: RequestIds | undefined,
  use: (entries: AccessEntries) => Promise<T>,
): Promise<T> {
  const used = openManager().then((eks) => use(accessEntriesOf(eks, log)));
  return used.catch(namingOwnPolicy("migration-policy.json"));
}

export function presentEntryOf({ arn: _, ...entry }: AccessEntry, isBegun = false): PresentEntry {
  const { tags } = entry;
  const isWhole = tags[migrationTag] === "whole";
  const migrated = isBegun ? "begun" : isWhole ? "whole" : null;
  const isLeased = Object.keys(tags).some((key) => key.startsWith("eks-access/") && !tagsOfNoLease.includes(key));
  return { ...entry, migrated, isLeased };
}
