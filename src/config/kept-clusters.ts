import { type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import type { MigrationLedger, RequestLedger } from "../ledger/ledger.ts";
import type { ConfigCheck } from "./live-config.ts";

interface Holding {
  readonly ledger: Pick<RequestLedger, "grantedOf"> & { readonly migrations: Pick<MigrationLedger, "open"> };
}

/**
 * Refuses a configuration without a cluster where a lease or a migration is not over, or with another EKS cluster of its name: no
 * worker could end there what it began.
 */
export function keepsClusters({ ledger }: Holding): ConfigCheck {
  return async (next, present) => {
    const gone = [...present.clusters.values()].filter((cluster) => !isKept(cluster, next.clusters.get(cluster.name)));
    if (gone.length === 0) return [];
    const migrations = await ledger.migrations.open();
    const found = await Promise.all(
      gone.map(async ({ name }) => {
        const leases = await ledger.grantedOf(name);
        const open = [...leases, ...migrations.filter(({ cluster }) => cluster === name)].map(({ id }) => id);
        return open.length > 0 ? [sentenceOf(name, next.clusters.has(name), open)] : [];
      }),
    );
    return found.flat();
  };
}

function isKept(cluster: Cluster, next: Cluster | undefined): boolean {
  return next !== undefined && clusterArnOf(next) === clusterArnOf(cluster);
}

const most = 5;

function sentenceOf(name: string, isOther: boolean, open: readonly string[]): string {
  const more = open.length > most ? ` and ${open.length - most} more` : "";
  const what = isOther ? "it would become another EKS cluster" : "it would be removed";
  const list = `${open.slice(0, most).join(", ")}${more}`;
  return `clusters.${name}: ${what}, but ${list} ${open.length === 1 ? "is" : "are"} not over there. Keep the entry until then. If the cluster was deleted, run eks-access retire ${name}.`;
}
