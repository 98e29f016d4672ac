import { explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { MigrationReport } from "../../diagnosis/migration/migration-report.ts";
import { planMigration } from "../../diagnosis/migration/plan.ts";
import { summarizeMigration } from "../../diagnosis/migration/summary.ts";
import type { WorkerContext } from "../context.ts";
import { gatherMigration } from "./gather-migration.ts";

/** Plans the move of a cluster to access entries for somebody in Slack. Writes nothing. */
export async function reportMigration(
  context: WorkerContext,
  cluster: Cluster,
  { user, told }: { readonly user: string; readonly told: readonly string[] },
): Promise<MigrationReport> {
  try {
    const result = planMigration(await gatherMigration(context, cluster, user, told));
    if (result.type === "refused") return { type: "refused", message: result.message };
    const { items, steps, before, ...rest } = summarizeMigration(result);
    return {
      type: "planned",
      ...rest,
      items: items.map(({ sentences, ...item }) => ({ ...item, sentences: [...sentences] })),
      steps: [...steps],
      before: [...before],
    };
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not plan the migration");
    return { type: "failed", message: explain(error) };
  }
}
