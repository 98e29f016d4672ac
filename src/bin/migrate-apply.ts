import { writeFile } from "node:fs/promises";
import { applyMigration } from "../jobs/apply-migration.ts";
import type { WorkerContext } from "../jobs/context.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { CommandIo } from "./command-io.ts";

/** What of a migration is carried out, and where the document is kept that was there before. */
export interface Application {
  readonly digest: string;
  readonly told: readonly string[];
  readonly backup: string;
}

/** Carries out an approved plan, and says each step when it is proved. @throws AccessError */
export async function applyPlan(
  context: WorkerContext,
  cluster: Cluster,
  { digest, told, backup }: Application,
  io: CommandIo,
): Promise<number> {
  const say = (sentence: string) => io.stdout(`${sentence}\n`);
  const keep = async ({ object }: AwsAuthConfigMap) => {
    const kept = { apiVersion: "v1", kind: "ConfigMap", ...object };
    await writeFile(backup, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    say(`aws-auth as it was is in ${backup}.`);
  };
  await applyMigration(context, { cluster, told, digest, keep, say });
  say("The plan is carried out.");
  return 0;
}
