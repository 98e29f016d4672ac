import { isGenuinePlan } from "../../access/approval/seal-migration.ts";
import { type Migration, reviseMigration } from "../../access/migration/migration.ts";
import type { Ledger, TurnLedger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { MigrationLedger } from "../../ledger/migrations.ts";
import { migrationEvent, recordMigration } from "../../ledger/record-migration.ts";
import type { SlackContext } from "../app/context.ts";

type GenuineContext = RecordContext<TurnLedger & Pick<Ledger, "migrations">> & Pick<SlackContext, "keys" | "now">;

const lookAgainEveryMs = 60_000;

/**
 * The moves as the Slack process reads them: a plan on which somebody is to decide is only there where the worker sealed it for
 * this very move (law 3). Without it nothing has a button, and nobody can decide; the worker plans it again.
 */
export function genuineMigrations(context: GenuineContext): MigrationLedger {
  const { migrations } = context.ledger;
  const shown = <Found extends Migration | null>(migration: Found) =>
    migration && isDoubtful(context, migration) ? { ...migration, ...cleared } : migration;
  return {
    ...migrations,
    get: async (id) => {
      const migration = await migrations.get(id);
      return migration && isDoubtful(context, migration) ? lookAgain(context, migration) : migration;
    },
    latestOf: async (cluster) => shown(await migrations.latestOf(cluster)),
    open: async () => (await migrations.open()).map(shown),
    commit: async (change) => {
      const result = await migrations.commit(change);
      return result.type === "conflict" ? { ...result, current: shown(result.current) } : result;
    },
  };
}

/** What was approved of another plan counts nothing either. */
const cleared = { plan: null, reminders: null, approvals: [] } as const;

function isDoubtful({ keys }: GenuineContext, migration: Migration): boolean {
  return migration.state === "pending" && migration.plan !== null && !isGenuinePlan(migration, keys.preview);
}

async function lookAgain(context: GenuineContext, migration: Migration): Promise<Migration> {
  if (!(await context.ledger.takeTurn(`look-again-${migration.id}`, lookAgainEveryMs)))
    return { ...migration, ...cleared };
  context.log.error({ request: migration.id }, "the plan of a migration is not what the worker made");
  const now = context.now();
  const after = reviseMigration(migration, cleared);
  const detail = { why: "the plan is not what the worker made", approvers: migration.approvals.map(({ by }) => by) };
  const result = await recordMigration(
    context,
    after,
    migrationEvent("migration.void", after, "slack", now, detail),
    now,
  );
  return result.type === "committed" ? after : { ...migration, ...cleared };
}
