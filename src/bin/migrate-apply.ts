import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../access/failure/access-error.ts";
import { isMigrationOver, type Migration, migrationDueAt } from "../access/migration/migration.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import type { WorkerContext } from "../worker/context.ts";
import { putOffMigration } from "../worker/migration/look-at-migration.ts";
import { runMigration } from "../worker/migration/run-migration.ts";
import type { CommandIo } from "./command-io.ts";

/** Which plan is carried out, and where the document is kept besides that was there before. */
export interface Application {
  readonly digest: string;
  readonly backup: string | null;
}

const longestLookMs = 1_000;

/**
 * Carries out the plan of this digest in the worker's place, or beside it: the same steps of the same record, which Slack shows.
 * Says each step when it is proved. A failure ends it; the record has it, and a worker tries it again.
 *
 * @throws AccessError
 */
export async function applyPlan(
  context: WorkerContext,
  cluster: Cluster,
  { digest, backup }: Application,
  io: CommandIo,
): Promise<number> {
  const say = (sentence: string) => io.stdout(`${sentence}\n`);
  const keep = async ({ object }: AwsAuthConfigMap) => {
    if (backup === null) return;
    const kept = { apiVersion: "v1", kind: "ConfigMap", ...object };
    await writeFile(backup, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    say(`aws-auth as it was is in ${backup}.`);
  };
  let migration = approvedMigration(await context.ledger.migrations.latestOf(cluster.name), digest);
  const told = new Set<string>();
  for (;;) {
    tellSteps(migration, told, say);
    if (isMigrationOver(migration) || migration.plan?.digest !== digest) return outcome(migration, digest, say);
    migration = (await carryOn(context, cluster, migration, keep)) ?? migration;
  }
}

async function carryOn(
  context: WorkerContext,
  cluster: Cluster,
  migration: Migration,
  keep: (configMap: AwsAuthConfigMap) => Promise<void>,
): Promise<Migration | null> {
  try {
    const after = await runMigration(context, cluster, migration.id, { keep });
    const dueIn = (after && migrationDueAt(after)) ?? 0;
    const waitMs = Math.max(0, Math.min(longestLookMs, dueIn - context.now().getTime()));
    if (after && !isMigrationOver(after) && waitMs > 0) await (context.pause ?? wait)(waitMs);
    return after;
  } catch (error) {
    // A worker wrote to the record at the same time: what it did is looked at.
    if (error instanceof AccessError && error.code === "record-changed")
      return context.ledger.migrations.get(migration.id);
    await putOffMigration(context, migration, error);
    throw error;
  }
}

/** @throws AccessError where nobody has approved it */
function approvedMigration(migration: Migration | null, digest: string): Migration {
  const short = digest.slice(0, 12);
  if (migration?.plan?.digest !== digest) {
    throw new AccessError("migration-not-approved", `Nobody asked for the plan ${short}, or it is another one now`);
  }
  if (migration.state !== "pending") return migration;
  const message = `${migration.approvals.length} approvers have approved the plan ${short} so far, and it takes two`;
  throw new AccessError("migration-not-approved", message);
}

function tellSteps({ done }: Migration, told: Set<string>, say: (sentence: string) => void): void {
  for (const { name, proof } of done) {
    if (told.has(name)) continue;
    told.add(name);
    say(`${name}: ${proof.join(" ")}`);
  }
}

function outcome({ state, voided, plan }: Migration, digest: string, say: (sentence: string) => void): number {
  if (state === "done") say("The plan is carried out.");
  else if (plan?.digest === digest) say(`The migration is over: ${state}. What was carried out stays.`);
  else
    say(`The approvals are void: ${voided?.message ?? "the plan is another one now"}. The approvers are asked again.`);
  return state === "done" ? 0 : 1;
}
