import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { isOver } from "../access/lease/due-work.ts";
import { isToReview, isToSignIn } from "../access/lease/proving.ts";
import { type Migration, migrationDueAt } from "../access/migration/migration.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { dueAt } from "../access/request/request.ts";
import type { Job } from "./jobs.ts";
import type { CommitResult, LedgerChange, MigrationCommit, MigrationLedger, RequestLedger } from "./ledger.ts";
import { type RecordContext, record, recordChanged, type Step, update } from "./lifecycle.ts";

type Detail = AuditEvent["detail"];

/** The event that tells of a change of a request or a migration. `detail` holds what the record alone does not tell later. */
export function eventOf(
  type: EventType,
  record: Pick<AccessRequest | Migration, "id" | "cluster">,
  actor: string,
  now: Date,
  detail: Detail = {},
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: record.id, cluster: record.cluster, detail };
}

/**
 * Writes a change that needs no new decision: after a conflict, what is still due is found again.
 *
 * @param event null: only for one more try that failed as an event says (`isToBeTold`)
 */
export function recordChange(
  context: RecordContext,
  after: AccessRequest,
  event: AuditEvent | null,
  now: Date,
  limit: Pick<LedgerChange, "mostPending"> = {},
): Promise<CommitResult> {
  const commit = (change: { readonly after: AccessRequest; readonly event: AuditEvent | null }) =>
    context.ledger.commit({ ...limit, ...change });
  return record(context, { commit }, { after, event }, wakesOf(after, now));
}

/** What is decided about a request; see `recordChange` for an event that is null. */
export type RequestStep<Outcome> = Step<AccessRequest, AuditEvent | null, Outcome>;

/** Reads a request, decides, writes, and does so again after a conflict (`update`). @throws AccessError */
export function updateRequest<Outcome>(
  context: RecordContext<Pick<RequestLedger, "get" | "commit">> & { readonly now: () => Date },
  id: string,
  decide: (current: AccessRequest | null) => RequestStep<Outcome> | Promise<RequestStep<Outcome>>,
): Promise<Outcome> {
  const get = (each: string) => context.ledger.get(each);
  const commit = ({ after, event }: { readonly after: AccessRequest; readonly event: AuditEvent | null }) =>
    recordChange(context, after, event, context.now());
  return update(id, { get, commit }, decide);
}

/** What of the cluster of a request that is due is to be looked at. */
export function lookFor(request: AccessRequest, now: Date): "preview" | "end" | "reconcile" {
  if (request.state === "pending") return "preview";
  return request.state === "approved" && isOver(request, now) ? "end" : "reconcile";
}

function wakesOf(request: AccessRequest, now: Date): readonly Job[] {
  const { id, cluster, lease } = request;
  const due = dueAt(request);
  const wakes: Job[] = [{ type: "show-request", request: id }];
  if (due !== null && due <= now.getTime()) wakes.push({ type: lookFor(request, now), cluster });
  if (isToSignIn(lease, now) || isToReview(lease, now)) wakes.push({ type: "sign-in", cluster });
  return wakes;
}

/** What a change of a migration is recorded with. */
export type MigrationContext<Uses extends keyof MigrationLedger = "commit"> = RecordContext<{
  readonly migrations: Pick<MigrationLedger, Uses>;
}>;

/** Writes a change that needs no new decision, as of a request (`recordChange`). */
export function recordMigration(
  context: MigrationContext,
  after: Migration,
  event: AuditEvent,
  now: Date,
): Promise<MigrationCommit> {
  const commit = (change: { readonly after: Migration; readonly event: AuditEvent }) =>
    context.ledger.migrations.commit(change);
  return record(context, { commit }, { after, event }, wakesOfMigration(after, now));
}

function wakesOfMigration(migration: Migration, now: Date): readonly Job[] {
  const due = migrationDueAt(migration);
  const isDue = due !== null && due <= now.getTime();
  return [
    { type: "show-migration", migration: migration.id },
    ...(isDue ? [{ type: "migration", cluster: migration.cluster } as const] : []),
  ];
}

/** What is decided about a migration. */
export type MigrationDecision<Outcome> = Step<Migration, AuditEvent, Outcome>;

type UpdateContext = MigrationContext<"get" | "commit"> & { readonly now: () => Date };

/** Reads a migration, decides, writes, and does so again after a conflict (`update`). @throws AccessError */
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
  ) => { readonly type: EventType; readonly after: Migration; readonly detail?: Detail } | null,
): Promise<Migration> {
  return updateMigration(context, id, (current) => {
    if (!current) throw recordChanged(id);
    const wanted = change(current);
    if (!wanted) return { type: "stop", outcome: current };
    const { type, after, detail } = wanted;
    return { type: "write", after, event: eventOf(type, after, "worker", context.now(), detail), outcome: after };
  });
}
