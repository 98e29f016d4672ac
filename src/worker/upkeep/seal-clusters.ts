import { memorySealedAnew } from "../../access/lease/holding.ts";
import { readKept } from "../../access/lease/kept-documents.ts";
import type { LedgerRecord } from "../../access/lists.ts";
import { type Cluster, clusterArnOf, sealedClusterOf, type Zone, zoneOf } from "../../access/policy/cluster.ts";
import { olderKeys } from "../../access/seal.ts";
import { shownSealedAnew } from "../../access/seals.ts";
import { whileOpen } from "../../kubernetes/cluster-client.ts";
import type { WorkerContext } from "../context.ts";
import { openCluster } from "../open-cluster.ts";
import { reconcileCluster } from "../reconcile/reconcile.ts";
import { waysIn } from "../reconcile/ways.ts";
import { keepDocument } from "../rescue/repair-document.ts";
import { rescueLeaseIn } from "../rescue/rescue-lease.ts";

/** The older keys that a cluster's own memory still needs, also the document that it keeps for a rescue, and a rescue under way. @throws AccessError */
export async function keysOfMemory(context: WorkerContext, cluster: Cluster): Promise<ReadonlySet<string>> {
  const { memory } = context.keys;
  const used = new Set<string>();
  const noting: typeof memory = {
    ...memory,
    isSealed: (purpose, value, seal) => {
      const isOurs = memory.isSealed(purpose, value, seal);
      if (isOurs && typeof seal === "string") used.add(seal.slice(0, seal.indexOf(".")));
      return isOurs;
    },
  };
  const noted = { ...context, keys: { ...context.keys, memory: noting } };
  await whileOpen((context.openCluster ?? openCluster)(noted, cluster, []), async (opened) => {
    // A cluster that reads no aws-auth needs none of it back.
    const kept = opened.mode === "API" ? {} : await opened.client.readKept();
    for (const name of ["last", "before"] as const) readKept(sealedClusterOf(cluster), kept, name, noting);
    const ways = await waysIn({ context: noted, cluster, opened }, async () => [], "all", []);
    for (const adapter of [ways.document, ways.bindings]) await adapter?.read([]);
    const state = await ways.entries?.read([]);
    for (const entry of state?.entries.values() ?? []) rescueLeaseIn(clusterArnOf(cluster), entry, noting);
  });
  return new Set(olderKeys(memory).filter((id) => used.has(id)));
}

/** Another process can write with the older key meanwhile, and a cluster can be out of reach. */
const lookAgainMs = 10 * 60_000;

/** What the worker seals again: first what a cluster remembers, by a run that writes it, and then the records of its leases. */
export function sealingClusters(contextNow: () => WorkerContext, zones: readonly Zone[]) {
  const sealed = new Set<string>();
  return {
    record: <Kept extends LedgerRecord>(record: Kept): Kept => {
      const { config, keys } = contextNow();
      const shown = shownSealedAnew(record, keys.preview);
      const cluster = config.clusters.get(record.cluster);
      return cluster && sealed.has(cluster.name)
        ? memorySealedAnew(sealedClusterOf(cluster), shown, keys.memory)
        : shown;
    },
    others: async (): Promise<number> => {
      const context = contextNow();
      if (olderKeys(context.keys.memory).length === 0) return 0;
      const own = [...context.config.clusters.values()].filter((cluster) => zones.includes(zoneOf(cluster)));
      let written = 0;
      for (const cluster of own.filter(({ name }) => !sealed.has(name))) {
        const turn = `seal-again-${cluster.name}-${context.keys.memory.ids[0]}`;
        if (!(await context.ledger.takeTurn(turn, lookAgainMs))) continue;
        const about = { cluster: cluster.name };
        await context.failures.during("could not seal a cluster's memory with the newest key yet", about, async () => {
          if ((await keysOfMemory(context, cluster)).size > 0) {
            await reconcileCluster(context, cluster, "adopt");
            await whileOpen((context.openCluster ?? openCluster)(context, cluster, []), async ({ client }) =>
              keepDocument(context, client, cluster, await client.readAwsAuth()),
            );
            written += 1;
            if ((await keysOfMemory(context, cluster)).size > 0) return;
          }
          sealed.add(cluster.name);
        });
      }
      return written;
    },
  };
}
