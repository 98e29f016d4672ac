import type { AuditEvent, EventType } from "../access/audit-event.ts";
import { remindOfReview } from "../access/emergency.ts";
import type { CodedReason, Lease, Trouble } from "../access/lease/lease-record.ts";
import { isMigration, isRequest, type LedgerRecord, remind, remindOfMigration } from "../access/lists.ts";
import { endedMigration, type Migration, nextMigration } from "../access/migration.ts";
import type { AccessRequest, ApprovedRequest, PendingRequest } from "../access/record.ts";
import { refusedRequest, undecidedRequest, withLease, withTrouble } from "../access/request.ts";
import { type Failure, needsEvent, nextTry } from "../access/retry.ts";
import { isDatedAhead } from "../access/seals.ts";
import type { RequestLedger } from "../ledger/ledger.ts";
import { eventOf, recordChange } from "../ledger/lifecycle.ts";
import { continuationOf } from "../ledger/look-ups.ts";
import type { WorkerContext } from "./context.ts";

export interface DueChange {
  readonly type: EventType;
  readonly after: LedgerRecord;
  readonly detail?: AuditEvent["detail"];
}

/** Null: nothing is due, or the cluster is needed. @param remindAfterSeconds the waits before each reminder */
export function dueChange(record: LedgerRecord, now: Date, remindAfterSeconds: readonly number[]): DueChange | null {
  if (isMigration(record)) return changeOfMigration(record, now, remindAfterSeconds);
  if (record.state === "pending") return changeOfPending(record, now, remindAfterSeconds);
  return record.state === "approved" ? changeOfApproved(record, now) : null;
}

function changeOfPending(request: PendingRequest, now: Date, remindAfterSeconds: readonly number[]): DueChange | null {
  if (hasExpired(request, now)) {
    const { preview, trouble } = request;
    // No approver saw it, so it ends with its trouble as the reason.
    if (!preview && trouble) {
      return { type: "request.refused", after: refusedRequest(request, trouble), detail: { code: trouble.code } };
    }
    return { type: "request.expired", after: undecidedRequest(request, "expired") };
  }
  const reminded = remind(request, now, remindAfterSeconds);
  return reminded && { type: "request.reminded", after: reminded, detail: { sent: reminded.reminders?.sent ?? 0 } };
}

function changeOfApproved(request: ApprovedRequest, now: Date): DueChange | null {
  const unreviewed = request.emergency && remindOfReview(request, now);
  if (unreviewed) {
    const reminders = unreviewed.emergency?.reminders ?? 0;
    return { type: "emergency.unreviewed", after: unreviewed, detail: { reminders } };
  }
  if (!isToBeWarned(request.lease, now)) return null;
  return { type: "lease.warned", after: withLease(request, { ...request.lease, warnedAt: now.toISOString() }) };
}

function changeOfMigration(migration: Migration, now: Date, remindAfterSeconds: readonly number[]): DueChange | null {
  if (migration.state !== "pending") return null;
  if (hasExpired(migration, now)) {
    const after = endedMigration(migration, now, { state: "expired" });
    return { type: "migration.expired", after, detail: { why: "no decision in time" } };
  }
  const reminded = remindOfMigration(migration, now, remindAfterSeconds);
  return reminded && { type: "migration.reminded", after: reminded, detail: { sent: reminded.reminders?.sent ?? 0 } };
}

/** A concurrent decision can win: the sweep finds the remaining work. */
export async function recordDue(
  context: WorkerContext,
  record: LedgerRecord,
  { type, after, detail }: DueChange,
  now: Date,
): Promise<void> {
  const isWarning = type === "lease.warned" && isRequest(after) && after.state === "approved";
  // An extended lease ends no access, so it needs no warning.
  if (isWarning && (await continuationOf(context.ledger, after))) {
    const lease = { ...after.lease, warnAt: null, warnedAt: null };
    return void (await recordChange(context, record, { ...after, lease }, null, now));
  }
  await recordChange(context, record, after, eventOf(type, after, "worker", now, detail), now);
}

function hasExpired({ expiresAt }: { readonly expiresAt: string }, now: Date): boolean {
  return Date.parse(expiresAt) <= now.getTime();
}

function isToBeWarned(lease: Lease, now: Date): boolean {
  if (lease.state !== "active" || lease.end || lease.warnedAt || !lease.warnAt) return false;
  return Date.parse(lease.warnAt) <= now.getTime() && now.getTime() < Date.parse(lease.endsAt);
}

export async function recordDelay(context: WorkerContext, request: AccessRequest, failure: Failure): Promise<void> {
  const now = context.now();
  const trouble = nextTry(request, failure, now);
  const isTold = needsEvent(request.trouble, trouble);
  const event = isTold ? eventOf("request.delayed", request, "worker", now, delayDetail(trouble)) : null;
  await recordChange(context, request, withTrouble(request, trouble), event, now);
}

const lookForFutureEveryMs = 60_000;
/** Of each list: leases that should be gone have one of their own. */
const maxListed = 1_000;

/** Forgets failures from the future: the clock that dated them was wrong, and their next tries have its time. */
export async function forgetFuture(context: WorkerContext): Promise<void> {
  const { ledger, config } = context;
  if (!(await ledger.takeTurn("future", lookForFutureEveryMs * 0.9))) return;
  const now = context.now();
  const of = { clusters: [...config.clusters.keys()], requester: null, match: "any" } as const;
  const [overdue, pending, leased, migrations] = await Promise.all([
    ledger.overdue(now, maxListed),
    ledger.list({ ...of, list: "pending" }, 0, maxListed),
    ledger.list({ ...of, list: "leased" }, 0, maxListed),
    ledger.migrations.open(),
  ]);
  for (const record of [...overdue, ...pending.requests, ...leased.requests, ...migrations]) {
    if (!record.trouble || !isDatedAhead(record.trouble, now)) continue;
    const after = isMigration(record) ? nextMigration(record, { trouble: null }) : withTrouble(record, null);
    await recordChange(context, record, after, null, now);
  }
}

export async function closeRefused(
  context: WorkerContext<RequestLedger>,
  request: PendingRequest,
  refusal: CodedReason,
): Promise<void> {
  const now = context.now();
  const event = eventOf("request.refused", request, "worker", now, { code: refusal.code });
  await recordChange(context, request, refusedRequest(request, refusal), event, now);
}

export function closeEndedExtension(context: WorkerContext<RequestLedger>, request: PendingRequest): Promise<void> {
  const message = `${request.extends} has ended. Request access again.`;
  return closeRefused(context, request, { code: "lease-over", message });
}

/** The record forgets its trouble later; the event stays. */
export function delayDetail({ code, message, attempts }: Trouble): AuditEvent["detail"] {
  return { code, message, attempts };
}
