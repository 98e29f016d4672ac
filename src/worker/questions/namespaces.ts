import { explainFailure } from "../../access/access-error.ts";
import { isCurrentList, readNamespaceList, sealNamespaces } from "../../access/approval/namespace-list.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { NamespacesReport } from "../../diagnosis/reports.ts";
import type { WorkerContext } from "../context.ts";
import { reachCluster } from "../open/reach-cluster.ts";

const purpose = { id: "namespaces", requester: "eks-access" };

/** Lists a cluster's namespaces for the form, seals the list, and publishes it for the next search. */
export async function reportNamespaces(context: WorkerContext, cluster: Cluster): Promise<NamespacesReport> {
  const { ledger, keys, now, log } = context;
  const known = readNamespaceList(await ledger.namespacesOf(cluster.name), cluster.name, keys.preview, now());
  if (known && isCurrentList(known, now())) return { type: "found", list: known };
  try {
    const names = await reachCluster(context, cluster, purpose, ({ client }) => client.namespaces());
    const list = sealNamespaces(cluster.name, names, now(), keys.preview);
    await ledger.rememberNamespaces(list);
    return { type: "found", list };
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not list the namespaces");
    return { type: "failed", message: explainFailure(error) };
  }
}
