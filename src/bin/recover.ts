import { explainFailure } from "../access/access-error.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { counted } from "../diagnosis/link.ts";
import type { WorkerContext } from "../worker/context.ts";
import { adoptCluster } from "../worker/reconcile/adopt.ts";
import { type CommandIo, cliCommand, readArguments } from "./process-io.ts";
import { clusterNamed, readCommandSettings, withWorkerContext } from "./settings.ts";

const recoverUsage = `Usage: eks-access recover [CLUSTER …]

Reads the leases that the clusters remember into the ledger. Without a name it reads every cluster of eks-access.yml.
Run it in the worker's environment. A worker on a new ledger does the same by itself.

Example: eks-access recover staging
Exit code: 0 all read, 1 a cluster could not be read or cleared, 2 unusable input.
`;

export const recover = cliCommand("recover", recoverUsage, async (argv, io) => {
  const { positionals } = readArguments(argv, {});
  const settings = await readCommandSettings("worker");
  const all = [...settings.config.clusters.values()];
  const clusters = positionals.length > 0 ? positionals.map((name) => clusterNamed(settings.config, name)) : all;
  return withWorkerContext(settings, async (context) => {
    const results = [];
    for (const cluster of clusters) results.push(await recoverOne(context, cluster, io));
    return results.every((isRead) => isRead) ? 0 : 1;
  });
});

async function recoverOne(context: WorkerContext, cluster: Cluster, io: CommandIo): Promise<boolean> {
  const { name } = cluster;
  try {
    const { recovered, ended } = await adoptCluster(context, cluster);
    // Only another reading shows what is gone.
    const { ended: left } = ended.length > 0 ? await adoptCluster(context, cluster) : { ended };
    const ids = recovered.length > 0 ? ` (${recovered.join(", ")})` : "";
    const gone = counted(ended.filter((id) => !left.includes(id)).length, "expired lease");
    const rest = left.length > 0 ? `. Not ended: ${left.join(", ")}. The log has the cause.` : "";
    io.stdout(`${name}: recovered ${counted(recovered.length, "lease")}${ids}, ended ${gone}${rest}\n`);
    return left.length === 0;
  } catch (error) {
    io.stdout(`${name}: can't read it. ${explainFailure(error)}\n`);
    return false;
  }
}
