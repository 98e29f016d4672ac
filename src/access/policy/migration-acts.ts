import { refuseMigrationClick, retryMigration, withdrawMigration } from "../approval/decide-migration.ts";
import type { Migration } from "../migration/migration.ts";
import type { Cluster } from "./cluster.ts";
import type { Person } from "./person.ts";

export type MigrationAct = "approve" | "deny" | "withdraw" | "retry";

/** What somebody may do about a move now. What they do is asked again when they do it: this is what they are shown. */
export function migrationActsOf(
  migration: Migration,
  cluster: Cluster | undefined,
  person: Person,
  now: Date,
): readonly MigrationAct[] {
  if (!cluster) return [];
  const digest = migration.plan?.digest ?? "";
  const mayDecide = (verdict: "approved" | "denied") =>
    refuseMigrationClick(migration, cluster, person, { verdict, digest, why: "" }, now) === null;
  const acts: MigrationAct[] = [];
  if (mayDecide("approved")) acts.push("approve");
  if (mayDecide("denied")) acts.push("deny");
  if (retryMigration(migration, cluster, person, now).type === "decided") acts.push("retry");
  if (withdrawMigration(migration, cluster, person, "", now).type === "decided") acts.push("withdraw");
  return acts;
}
