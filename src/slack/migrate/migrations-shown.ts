import type { Migration } from "../../access/migration/migration.ts";
import { maySee } from "../../access/policy/may-see.ts";
import type { Person } from "../../access/policy/person.ts";
import type { SlackContext } from "../app/context.ts";

/** The moves that are not over and that somebody may see, the longest waiting first. @throws AccessError */
export async function migrationsShown(
  { ledger, config }: Pick<SlackContext, "ledger" | "config">,
  person: Person,
): Promise<readonly Migration[]> {
  const open = await ledger.migrations.open();
  return open
    .filter((migration) => maySee(migration, config.clusters.get(migration.cluster), person))
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
