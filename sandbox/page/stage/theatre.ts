import type { Program } from "../../product-process.ts";
import type { Sandbox } from "../../sandbox.ts";
import { clusterName } from "../../scene.ts";
import type { SandboxOptions } from "../../scene-clusters.ts";
import { cloudTroubles } from "./cloud-troubles.ts";
import { type ClusterWatch, watchCluster } from "./cluster-watch.ts";
import { crashes } from "./crashes.ts";
import { humanTroubles } from "./human-troubles.ts";
import { intruder } from "./intruder.ts";
import { type LedgerWatch, watchLedger } from "./ledger-watch.ts";
import { rememberSeen, type Seen } from "./page-state.ts";
import { type Stage, startStage } from "./stage.ts";
import type { Trouble } from "./troubles.ts";

/** The stage, and all that the page watches of it. */
export interface Theatre {
  readonly stage: Stage;
  /** By the name of the cluster, `staging` first: that is where things go wrong. */
  readonly clusters: ReadonlyMap<string, ClusterWatch>;
  readonly ledger: LedgerWatch;
  readonly troubles: readonly Trouble[];
  readonly seen: Seen;
  stop: () => Promise<void>;
}

/** @throws Error where something of it does not start */
export async function startTheatre(program: Program, options: SandboxOptions = {}): Promise<Theatre> {
  const stage = await startStage(program, options);
  const { sandbox, redis, changes } = stage;
  const clusters = watchClusters(sandbox, changes.announce);
  const { document } = watchOf(clusters, clusterName);
  const ledger = await watchLedger(redis.url, changes.announce);
  const stopLooking = lookAfterChanges(stage, ledger);
  for (const { kubectl } of clusters.values()) void kubectl.run().catch(() => {});
  return {
    stage,
    clusters,
    ledger,
    troubles: [
      ...humanTroubles(stage, document),
      ...cloudTroubles(stage, document),
      ...crashes(stage),
      ...intruder(ledger),
    ],
    seen: rememberSeen(sandbox.slack),
    stop: async () => {
      stopLooking();
      for (const watch of clusters.values()) watch.stop();
      await ledger.close();
      await stage.stop();
    },
  };
}

export function watchClusters(sandbox: Sandbox, changed: () => void): ReadonlyMap<string, ClusterWatch> {
  const watches = [...sandbox.clusters.values()].map((cluster) => watchCluster(sandbox, cluster, changed));
  return new Map(watches.map((watch) => [watch.name, watch]));
}

/** @throws Error where there is no such cluster */
export function watchOf(clusters: Theatre["clusters"], name: string): ClusterWatch {
  const watch = clusters.get(name);
  if (!watch) throw new Error(`There is no cluster ${name}.`);
  return watch;
}

/** Redis tells nobody what the product writes: it is read after what can be seen, and each second. */
function lookAfterChanges({ changes }: Stage, ledger: LedgerWatch): () => void {
  let soon: NodeJS.Timeout | undefined;
  const look = () => void ledger.look();
  const stopListening = changes.onChange(() => {
    soon ??= setTimeout(() => {
      soon = undefined;
      look();
    }, 100);
  });
  const each = setInterval(look, 1_000);
  return () => {
    stopListening();
    clearTimeout(soon);
    clearInterval(each);
  };
}
