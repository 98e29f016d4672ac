import { explainFailure } from "../access/access-error.ts";
import { counted } from "../diagnosis/link.ts";
import type { WorkerContext } from "../worker/context.ts";
import { adoptCluster } from "../worker/reconcile/adopt.ts";
import { type CommandIo, misused, readArguments, unusable } from "./process-io.ts";
import { readCommandSettings, unknownCluster, withWorkerContext } from "./settings.ts";

const recoverUsage = `Usage: eks-access recover [CLUSTER …]

Reads the leases that the clusters remember into the ledger. Without a name it reads every cluster of eks-access.yml.
Run it in the worker's environment. A worker on a new ledger does the same by itself.

Example: eks-access recover staging
Exit code: 0 all read, 1 a cluster could not be read, 2 unusable input.
`;

export async function recover(argv: readonly string[], io: CommandIo): Promise<number> {
  const read = readArguments(argv, {});
  if (typeof read === "string") return misused(io, "recover", read, recoverUsage);
  const settings = await readCommandSettings("worker");
  const { config } = settings;
  const { positionals } = read;
  const unknown = positionals.filter((name) => !config.clusters.has(name));
  if (unknown.length > 0) {
    return unusable(io, "recover", unknownCluster(settings, unknown.join(", ")));
  }
  return withWorkerContext(settings, "recover", async (context) => {
    const names = positionals.length > 0 ? positionals : [...config.clusters.keys()];
    const results = [];
    for (const name of names) results.push(await recoverOne(context, name, io));
    return results.every((isRead) => isRead) ? 0 : 1;
  });
}

async function recoverOne(context: WorkerContext, name: string, io: CommandIo): Promise<boolean> {
  const cluster = context.config.clusters.get(name);
  if (!cluster) return false;
  try {
    const { recovered, ended } = await adoptCluster(context, cluster);
    const ids = recovered.length > 0 ? ` (${recovered.join(", ")})` : "";
    io.stdout(
      `${name}: recovered ${counted(recovered.length, "lease")}${ids}, ended ${counted(ended.length, "expired lease")}\n`,
    );
    return true;
  } catch (error) {
    io.stdout(`${name}: can't read it. ${explainFailure(error)}\n`);
    return false;
  }
}

export default { usage: recoverUsage, run: recover };
