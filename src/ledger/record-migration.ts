import type { Json } from "../access/audit/canonical-json.ts";
import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { type Migration, migrationDueAt, reviseMigration } from "../access/migration/migration.ts";
import type { Job } from "./jobs.ts";
import { type RecordContext, record, recordChanged, type Step, update } from "./lifecycle.ts";
import type { MigrationCommit, MigrationLedger } from "./migrations.ts";

type Detail = { readonly [key: string]: Json };

/** What a change of a move is recorded with. */
export type MigrationContext<Uses extends keyof MigrationLedger = "commit"> = RecordContext<{
  readonly migrations: Pick<MigrationLedger, Uses>;
}>;

/** The event that tells of a change of a move. */
export function migrationEvent(
  type: EventType,
  migration: Migration,
  actor: string,
  now: Date,
  detail: Detail = {},
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: migration.id, cluster: migration.cluster, detail };
}

/** Writes a change that nobody has to decide again about, as of a request (`recordChange`). */
export function recordMigration(
  context: MigrationContext,
  after: Migration,
  event: AuditEvent,
  now: Date,
): Promise<MigrationCommit> {
  const commit = (change: { readonly after: Migration; readonly event: AuditEvent }) =>
    context.ledger.migrations.commit(change);
  return record(context, { commit }, { after, event }, wakesOf(after, now));
}

function wakesOf(migration: Migration, now: Date): readonly Job[] {
  const due = migrationDueAt(migration);
  const isDue = due !== null && due <= now.getTime();
  return [
    { type: "show-migration", migration: migration.id },
    ...(isDue ? [{ type: "migration", cluster: migration.cluster } as const] : []),
  ];
}

/** What is decided about a move. */
export type MigrationDecision<Outcome> = Step<Migration, AuditEvent, Outcome>;

type UpdateContext = MigrationContext<"get" | "commit"> & { readonly now: () => Date };

/** Reads a move, decides, writes, and does so again where somebody else was first (`update`). @throws AccessError */
export function updateMigration<Outcome>(
  context: UpdateContext,
  id: string,
  decide: (current: Migration | null) => MigrationDecision<Outcome> | Promise<MigrationDecision<Outcome>>,
): Promise<Outcome> {
  const get = (each: string) => context.ledger.migrations.get(each);
  const commit = ({ after, event }: { readonly after: Migration; readonly event: AuditEvent }) =>
    recordMigration(context, after, event, context.now());
  return update(id, { get, commit }, decide);
}

/**
 * Writes what is true whatever others wrote meanwhile, as that a step was carried out. `change` is asked with the record as it is;
 * null: there is nothing to write.
 *
 * @throws AccessError `record-changed` where the record is gone, or does not stop changing
 */
export function noteOnMigration(
  context: UpdateContext,
  { id }: Pick<Migration, "id">,
  change: (
    current: Migration,
  ) => { readonly type: EventType; readonly of: Partial<Migration>; readonly detail?: Detail } | null,
): Promise<Migration> {
  return updateMigration(context, id, (current) => {
    if (!current) throw recordChanged(id);
    const wanted = change(current);
    if (!wanted) return { type: "stop", outcome: current };
    const after = reviseMigration(current, wanted.of);
    const event = migrationEvent(wanted.type, after, "worker", context.now(), wanted.detail);
    return { type: "write", after, event, outcome: after };
  });
}
