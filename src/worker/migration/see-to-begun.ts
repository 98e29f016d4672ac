import { AccessError } from "../../access/failure/access-error.ts";
import type { Migration, SealedPlan } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import { type MigrationFacts, principalKey } from "../../diagnosis/migration/facts.ts";
import { noteOnMigration } from "../../ledger/record-migration.ts";
import type { WorkerContext } from "../context.ts";
import { namingOwnPolicy } from "../rescue/rescue-lease.ts";
import { noteDone } from "./carry-out-step.ts";
import type { GatheredMigration } from "./gather-migration.ts";
import { takeBackBegun } from "./migration-entry.ts";

/**
 * Sees to a step that a run began and did not tell the end of, where the move does not go on: it is told as carried out where
 * it was, and an access entry that is only half made goes again, so that aws-auth counts for its principal.
 *
 * @throws AccessError
 */
export async function seeToBegun(
  context: WorkerContext,
  cluster: Cluster,
  migration: Migration,
  gathered: GatheredMigration,
): Promise<Migration> {
  if (!migration.begun) return migration;
  const { name } = migration.begun;
  if (await wasCarriedOut(cluster, migration, name, gathered)) {
    return noteDone(context, migration, name, ["Seen to be carried out by the next run."]);
  }
  return noteOnMigration(context, migration, (current) =>
    current.begun?.name === name
      ? { type: "migration.undone", of: { begun: null, trouble: null }, detail: { step: name } }
      : null,
  );
}

async function wasCarriedOut(
  cluster: Cluster,
  { plan }: Migration,
  name: string,
  { facts, updating, openManager }: GatheredMigration,
): Promise<boolean> {
  if (name === "switch-mode") {
    if (updating)
      throw new AccessError("cluster-not-active", `The authentication mode of ${cluster.name} is being switched`);
    return facts.mode !== "CONFIG_MAP";
  }
  if (name === "take-out") return plan !== null && areOut(plan, facts);
  let entries: AccessEntries | null = null;
  try {
    entries = accessEntriesOf(await openManager());
    return await takeBackBegun(entries, name.replace("give-entry ", ""));
  } catch (error) {
    throw namingOwnPolicy(error, "migration-policy.json");
  } finally {
    entries?.close();
  }
}

/** Whether nothing is left in aws-auth of what was to go out of it. */
export function areOut({ outs }: SealedPlan, { document }: MigrationFacts): boolean {
  const left = new Set(document.entries.map(({ arn }) => principalKey(arn)));
  return outs.every((arn) => !left.has(principalKey(arn)));
}
