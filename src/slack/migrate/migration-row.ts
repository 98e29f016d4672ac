import type { Button, KnownBlock } from "@slack/types";
import type { MigrationAct } from "../../access/policy/acts.ts";
import { maySeeRequest } from "../../access/policy/may.ts";
import type { Person } from "../../access/policy/person.ts";
import type { Migration } from "../../access/request/migration.ts";
import type { SlackContext } from "../app/context.ts";
import { detailsButton } from "../show/buttons.ts";
import { code, cut, mention, section, time } from "../show/mrkdwn.ts";
import { retryMigrationButton, withdrawMigrationButton } from "./migration-buttons.ts";
import { migrationState, migrationTrouble } from "./migration-words.ts";

export interface MigrationRow {
  readonly migration: Migration;
  readonly acts: readonly MigrationAct[];
}

/** A migration in a list, in two blocks. `place` names the list. */
export function migrationRowBlocks({ migration, acts }: MigrationRow, place: string): KnownBlock[] {
  const { id, cluster, requester, state, expiresAt, kind } = migration;
  const expires = state === "pending" ? `. Expires ${time(expiresAt)}` : "";
  const what =
    kind === "repair"
      ? `Repair of dead entries of ${code(cluster)}`
      : `Migration of ${code(cluster)} to access entries`;
  const who = `*${what}* (${code(id)}), asked by ${mention(requester)}${expires}`;
  const trouble = migrationTrouble(migration, 400);
  return [
    section([who, cut(migrationState(migration), 700), ...(trouble ? [trouble] : [])].join("\n")),
    { type: "actions", block_id: `${place}-${id}`, elements: rowButtons(migration, acts) },
  ];
}

/** A decision is about a plan, and a row shows none. */
function rowButtons(migration: Migration, acts: readonly MigrationAct[]): Button[] {
  return [
    detailsButton(migration, acts.includes("deny") ? "Review" : "Details"),
    ...(acts.includes("retry") ? [retryMigrationButton(migration)] : []),
    ...(acts.includes("withdraw") ? [withdrawMigrationButton(migration)] : []),
  ];
}

/** Open migrations that a person may see, the longest waiting first. @throws AccessError */
export async function migrationsShown(
  { ledger, config }: Pick<SlackContext, "ledger" | "config">,
  person: Person,
): Promise<readonly Migration[]> {
  const open = await ledger.migrations.open();
  return open
    .filter((migration) => maySeeRequest(migration, config.clusters.get(migration.cluster), person))
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
