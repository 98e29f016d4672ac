import type { Logger } from "pino";
import { AccessError } from "../access/access-error.ts";
import type { AuditEvent, EventType } from "../access/audit-event.ts";
import { isDueToEnd } from "../access/lease/cluster-leases.ts";
import { isReviewDue, isSignInDue } from "../access/lease/lease.ts";
import { type EndedAgain, endedAgain, isMigration, type LedgerRecord, recordDueAt } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import type { AccessRequest } from "../access/record.ts";
import { isHeld } from "../access/request.ts";
import { recordedEvents } from "../operations/announcements.ts";
import type { FailureLog } from "../operations/log.ts";
import { startTicking, type Ticking } from "../operations/stoppable.ts";
import { rememberTrace, type TraceContext, traced, traceFor } from "../operations/traced.ts";
import type { Job } from "./jobs.ts";
import type { CommitResult, LedgerChange, MigrationLedger, RecordLedger, RequestLedger } from "./ledger.ts";
import type { Lost, UndoneLedger } from "./own-commits.ts";
import { type QueuesToWake, wake, wakeAll } from "./queues.ts";

/** The context of a change. A context that extends it names its other parts of the ledger. */
export interface RecordContext<Uses = Pick<RecordLedger, "commit">> extends TraceContext {
  readonly ledger: Uses;
  readonly queues: QueuesToWake;
  readonly log: Logger;
}

type Detail = AuditEvent["detail"];

/** The event of a record's change. `detail` has facts that the record later lacks. */
export function eventOf(
  type: EventType,
  record: Pick<LedgerRecord, "id" | "cluster">,
  actor: string,
  now: Date,
  detail: Detail = {},
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: record.id, cluster: record.cluster, detail };
}

/**
 * Commits the next version of a record with its event, and wakes the jobs that show it and look at its cluster. A failed wake-up loses
 * nothing: the sweep finds due and unshown records, also after a conflict.
 * @param before as it was read, or written; null: it is new
 * @param event null: only for a fact that an event already reports: one more failed try (`needsEvent`), or its new seal
 */
export function recordChange(
  context: RecordContext,
  before: LedgerRecord | null,
  after: LedgerRecord,
  event: AuditEvent | null,
  now: Date,
  limit: Pick<LedgerChange, "maxPending"> = {},
): Promise<CommitResult> {
  const label = event?.type ?? "one more try";
  return traced({ name: `record ${label}`, ...traceFor(context, after) }, async () => {
    const { ledger, queues, log } = context;
    const result = await ledger.commit({ ...limit, before, after, event });
    if (result.type === "conflict") return result;
    if (event) recordedEvents.publish(event);
    // The failure's own line counts the tries.
    log[event ? "info" : "debug"]({ request: after.id, cluster: after.cluster, event: label }, "recorded");
    // The wake-ups look for it.
    await rememberTrace(context, after.id);
    // All at once: an acknowledgement may wait for it.
    await Promise.all(wakesOf(after, now).map((job) => wake(queues, job))).catch((error: unknown) => {
      log.warn({ request: after.id, err: error }, "could not wake the queue; the sweep will");
    });
    return result;
  });
}

const lookForUndoneEveryMs = 10_000;

/**
 * Looks for changes of this process that a failover of Redis lost. Messages show them, and the cluster can have their access. So the record
 * gets its next version, which shows it again, and a worker compares the cluster with the ledger. An end that was answered comes again.
 */
export function startFollowingUndone(
  context: RecordContext<Pick<RecordLedger, "commit"> & UndoneLedger> & {
    readonly now: () => Date;
    readonly failures: FailureLog;
  },
): Ticking {
  const asked = new Set<string>();
  const follow: Parameters<UndoneLedger["eachUndone"]>[0] = async (cluster, left, lost) => {
    await wakeAll(context.queues, [
      { type: "adopt", cluster },
      { type: "inspect", cluster },
    ]);
    if (!left) return "done";
    const again = lost.ended && endedAgain(lost.ended, left);
    // Its access can be gone, as the messages say. The next look comes after that at the cluster.
    if (!again && !isMigration(left) && isHeld(left) && !asked.delete(left.id)) {
      asked.add(left.id);
      return "again";
    }
    context.log.error({ request: left.id, cluster, version: left.version }, "Redis lost later changes of this record");
    const [now, version] = [context.now(), left.version + 1];
    const { type, actor, detail, after } = again ?? undone({ ...left, version }, lost);
    const written = await recordChange(context, left, after, eventOf(type, left, actor, now, detail), now);
    return written.type === "committed" ? "done" : "again";
  };
  const look = () => context.ledger.eachUndone(follow);
  return startTicking(lookForUndoneEveryMs, () => context.failures.during("could not look for lost changes", {}, look));
}

/** Its approvers must learn that it waits for them again. */
function undone(left: LedgerRecord, { approvers, begun }: Lost): EndedAgain {
  const lost = approvers.filter((each) => !left.approvals.some(({ by }) => by === each));
  const isLost = left.state === "pending" && lost.length > 0;
  const known = isMigration(left) ? withBegun(left, begun) : left;
  const after = isLost ? { ...known, voided: { by: [...lost], message: "Redis lost it" } } : known;
  return { type: "record.undone", actor: "worker", detail: {}, after };
}

/** A worker closes a step that began, also after a stop or denial that is still to come: half of an administrators' access entry locks them out. */
function withBegun(left: Migration, begun: Migration["begun"]): Migration {
  if (left.state === "done" || left.begun || !begun) return left;
  const isOfAnother = begun.at < left.createdAt;
  return isOfAnother || left.done.some(({ name }) => name === begun.name) ? left : { ...left, begun };
}

function wakesOf(record: LedgerRecord, now: Date): readonly Job[] {
  const { id, cluster } = record;
  const due = recordDueAt(record);
  const wakes: Job[] = [{ type: "show", record: id }];
  if (due !== null && due <= now.getTime()) wakes.push({ type: jobTypeFor(record, now), cluster });
  if (isMigration(record)) return wakes;
  if (isSignInDue(record.lease, now) || isReviewDue(record.lease, now)) wakes.push({ type: "sign-in", cluster });
  return wakes;
}

/** What to look at in the cluster of a due record. */
export function jobTypeFor(record: LedgerRecord, now: Date): "migration" | "preview" | "end" | "reconcile" {
  if (isMigration(record)) return "migration";
  if (record.state === "pending") return "preview";
  return record.state === "approved" && isDueToEnd(record, now) ? "end" : "reconcile";
}

/** A decision about a record as it is now. `recordChange` explains a null event. */
export type UpdateStep<Kept extends LedgerRecord, Outcome> =
  /** Write it: the outcome holds once it is committed. */
  | { readonly type: "write"; readonly after: Kept; readonly event: AuditEvent | null; readonly outcome: Outcome }
  /** Write it, and decide again about the new record. */
  | { readonly type: "write-first"; readonly after: Kept; readonly event: AuditEvent | null }
  | { readonly type: "stop"; readonly outcome: Outcome };

/** Decides about the record as it is; null: there is none. */
type Decide<Kept extends LedgerRecord, Outcome> = (
  current: Kept | null,
) => UpdateStep<Kept, Outcome> | Promise<UpdateStep<Kept, Outcome>>;

type UpdateContext<Uses = unknown> = RecordContext<Pick<RecordLedger, "commit"> & Uses> & { readonly now: () => Date };

/** Reads a request, decides, writes, and starts again after a conflict. @throws AccessError */
export function updateRequest<Outcome>(
  context: UpdateContext<Pick<RequestLedger, "get">>,
  id: string,
  decide: Decide<AccessRequest, Outcome>,
): Promise<Outcome> {
  return update(context, id, () => context.ledger.get(id), decide);
}

export type MigrationContext = UpdateContext<{ readonly migrations: Pick<MigrationLedger, "get"> }>;

/** The same for a migration. @throws AccessError */
export function updateMigration<Outcome>(
  context: MigrationContext,
  id: string,
  decide: Decide<Migration, Outcome>,
): Promise<Outcome> {
  return update(context, id, () => context.ledger.migrations.get(id), decide);
}

/** People who click, a reminder and a run write at the same time. More conflicts in a row than this are a fault. */
const maxConflicts = 10;

/** The only way to change a record; it starts again after another change. @throws AccessError `record-changed` */
async function update<Kept extends LedgerRecord, Outcome>(
  context: UpdateContext,
  id: string,
  get: () => Promise<Kept | null>,
  decide: Decide<Kept, Outcome>,
): Promise<Outcome> {
  let written: Kept | null = null;
  for (let conflicts = 0; conflicts < maxConflicts; ) {
    // The Slack process trusts only verified records, so it reads again and does not take the record of the conflict.
    const before = written ?? (await get());
    const step: UpdateStep<Kept, Outcome> = await decide(before);
    if (step.type === "stop") return step.outcome;
    const result = await recordChange(context, before, step.after, step.event, context.now());
    if (result.type === "committed" && step.type === "write") return step.outcome;
    if (result.type === "conflict") conflicts += 1;
    written = result.type === "committed" ? step.after : null;
  }
  throw recordChanged(id);
}

export function recordChanged(id: string): AccessError {
  return new AccessError("record-changed", `The record ${id} changed meanwhile`);
}

/**
 * Writes a fact that stays true after other changes, for example that a step was carried out. `change` gets the present record; null:
 * there is nothing to write.
 * @throws AccessError `record-changed` if the record is gone, or keeps changing
 */
export function recordOnMigration(
  context: MigrationContext,
  { id }: Pick<Migration, "id">,
  change: (
    current: Migration,
  ) => { readonly type: EventType | null; readonly after: Migration; readonly detail?: Detail } | null,
): Promise<Migration> {
  return updateMigration(context, id, (current) => {
    if (!current) throw recordChanged(id);
    const wanted = change(current);
    if (!wanted) return { type: "stop", outcome: current };
    const { type, after, detail } = wanted;
    const event = type && eventOf(type, after, "worker", context.now(), detail);
    return { type: "write", after, event, outcome: after };
  });
}
