import { explainFailure } from "../access/access-error.ts";
import type { WorkerContext } from "../worker/context.ts";
import { adoptCluster } from "../worker/reconcile/adopt.ts";
import { type CommandIo, unusable } from "./process-io.ts";
import { readCommandSettings, withWorkerContext } from "./settings.ts";

/**
 * `eks-access recover [cluster …]`: reads the leases that the clusters remember into the ledger. A worker on a new ledger does the
 * same by itself. Exit code 0 all read, 1 some could not be read, 2 unusable.
 */
export async function recover(argv: readonly string[], io: CommandIo): Promise<number> {
  const settings = await readCommandSettings("worker");
  const { config } = settings;
  const unknown = argv.filter((name) => !config.clusters.has(name));
  if (unknown.length > 0) {
    const choice = [...config.clusters.keys()].join(", ");
    return unusable(io, "recover", `Unknown cluster ${unknown.join(", ")}. Choose: ${choice}.\n`);
  }
  return withWorkerContext(settings, "recover", async (context) => {
    const names = argv.length > 0 ? argv : [...config.clusters.keys()];
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
    const counts = `${recovered.length} leases recovered, ${ended.length} expired leases ended`;
    io.stdout(`${name}: ${counts}${recovered.length > 0 ? ` (${recovered.join(", ")})` : ""}\n`);
    return true;
  } catch (error) {
    io.stdout(`${name}: can't read it. ${explainFailure(error)}\n`);
    return false;
  }
}

export default { run: recover };
