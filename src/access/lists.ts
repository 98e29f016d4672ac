import type { AuditEvent, EventType } from "./audit-event.ts";
import { isPermanent, type LeaseEnd, type LeaseState } from "./lease/lease-record.ts";
import {
  isMigrationOver,
  type Migration,
  migrationClosedSince,
  migrationDueAt,
  nextMigration,
  type PendingMigration,
} from "./migration.ts";
import type { AccessRequest, PendingRequest, Reminders, RequestState } from "./record.ts";
import { deniedRequest, dueAt, isClosed, pendingRequest, undecidedRequest, withLease } from "./request.ts";

/** `all`: newest first. `pending`: the longest waiting first. `leased`: approved and not over, the first to end first. */
export type ListName = "all" | "pending" | "leased";

/** A request's position in a list: milliseconds since the epoch; null: not in it. */
export function positionInList(list: ListName, request: AccessRequest): number | null {
  if (list === "leased") {
    const { lease } = request;
    return lease && !isClosed(request) ? Date.parse(lease.endsAt) : null;
  }
  return list === "all" || request.state === "pending" ? Date.parse(request.createdAt) : null;
}

/** Milliseconds since the epoch: its end, or when it was revoked. Null: nothing to remove, or unreadable. */
export function shouldBeGoneAt(request: AccessRequest): number | null {
  const { lease } = request;
  if (!lease || isClosed(request)) return null;
  const at = Math.min(Date.parse(lease.endsAt), lease.end ? Date.parse(lease.end.at) : Number.POSITIVE_INFINITY);
  return Number.isFinite(at) ? at : null;
}

type LeaseClass = Exclude<LeaseState, "ended"> | `ended/${LeaseEnd["cause"]}`;

/** The class that counts a record, for example `pending`, `approved/active` or `approved/ended/revoked`. */
type RequestClass = RequestState | `${RequestState}/${LeaseClass}`;

const requestStates = ["pending", "approved", "denied", "cancelled", "expired", "refused"] as const;
const leaseStateNames = [
  "scheduled",
  "active",
  "ended/expired",
  "ended/revoked",
  "ended/replayed",
  "ended/cluster-gone",
  "failed",
] as const satisfies readonly LeaseClass[];

export function classOf({ state, lease }: AccessRequest): RequestClass {
  if (!lease) return state;
  return lease.state === "ended" ? `${state}/ended/${lease.end?.cause ?? "expired"}` : `${state}/${lease.state}`;
}

export interface StateCounts {
  readonly requests: ReadonlyMap<RequestState, number>;
  readonly leases: ReadonlyMap<LeaseClass, number>;
}

export function countStates(counts: ReadonlyMap<string, number>): StateCounts {
  const sum = (counted: (name: string) => boolean) =>
    [...counts].reduce((total, [name, count]) => (counted(name) ? total + count : total), 0);
  return {
    requests: new Map(requestStates.map((state) => [state, sum((name) => name.split("/")[0] === state)])),
    leases: new Map(leaseStateNames.map((each) => [each, sum((name) => name.endsWith(`/${each}`))])),
  };
}

/** Milliseconds since the epoch; null: it still can have an effect: until its sealed end, if a backup brings it back. */
function closedSince(request: AccessRequest): number | null {
  if (!isClosed(request) || dueAt(request) !== null) return null;
  const { state, expiresAt, approvals, durationSeconds, lease, emergency } = request;
  const isBounded = !keepsIdAfterRemoval(request);
  const decided = state === "approved" && isBounded ? approvals : [];
  const times = [isBounded ? lease?.endsAt : null, lease?.endedAt, emergency?.review?.at];
  const since = Math.max(
    Date.parse(expiresAt),
    ...decided.map(({ at }) => Date.parse(at) + durationSeconds * 1000),
    ...times.flatMap((time) => (time ? [Date.parse(time)] : [])),
  );
  // An unreadable time says nothing about an end.
  return Number.isFinite(since) ? since : null;
}

/** Whether the ledger keeps the id after the removal: a backup of the cluster can bring a permanent lease back at any time. */
export function keepsIdAfterRemoval({ state, durationSeconds }: AccessRequest): boolean {
  return state === "approved" && isPermanent(durationSeconds);
}

/** A record of the ledger. Both kinds are committed, found when due, shown and removed in the same way. */
export type LedgerRecord = AccessRequest | Migration;

/** Whether an id is a migration's: requests' ids begin differently. JavaScript counts back from each number of this many digits. */
export function isMigrationId(id: string): boolean {
  return /^migration-.+-\d{1,15}$/.test(id);
}

/** Questions about a link: the person; in the list of outdated messages also the time of one in Slack, and a seal. */
export const linkQuestionPrefix = "link-question";

export function isLinkQuestion(id: string): boolean {
  return id.startsWith(`${linkQuestionPrefix} `);
}

export function isMigration(record: LedgerRecord): record is Migration {
  return isMigrationId(record.id);
}

export function isRequest(record: LedgerRecord): record is AccessRequest {
  return !isMigration(record);
}

/** When a record is due next, in milliseconds since the epoch; null: never again. */
export function recordDueAt(record: LedgerRecord): number | null {
  return isMigration(record) ? migrationDueAt(record) : dueAt(record);
}

/** Since when a record has no more effect, in milliseconds since the epoch; null: it still can have. */
export function recordClosedSince(record: LedgerRecord): number | null {
  return isMigration(record) ? migrationClosedSince(record) : closedSince(record);
}

/** The next version of a record, and its event. */
export interface EndedAgain {
  readonly type: EventType;
  readonly actor: string;
  readonly detail: AuditEvent["detail"];
  readonly after: LedgerRecord;
}

/** Whether a person ended it, or a migration is done: a restored Redis must not change that. A lease's time ends it again anyway. */
export function isEnded(record: LedgerRecord): boolean {
  if (isMigration(record)) return ["done", "denied", "stopped"].includes(record.state);
  return record.state === "denied" || record.state === "cancelled" || record.lease?.end?.cause === "revoked";
}

/** The same end on what a restored Redis has left of a record: its people have their answer. Null: it is not lost. */
export function endedAgain(ended: LedgerRecord, left: LedgerRecord): EndedAgain | null {
  // A migration's number can come twice.
  if (ended.createdAt !== left.createdAt) return null;
  if (isMigration(ended)) return isMigration(left) ? migrationEndedAgain(ended, left) : null;
  return isMigration(left) ? null : requestEndedAgain(ended, left);
}

function requestEndedAgain({ state, denial, lease }: AccessRequest, left: AccessRequest): EndedAgain | null {
  if (left.state === "pending" && denial) {
    const { by: actor, digest, why, memberships } = denial;
    return { type: "request.denied", actor, detail: { digest, why, memberships }, after: deniedRequest(left, denial) };
  }
  if (left.state === "pending" && state === "cancelled") {
    const detail = { why: "it was cancelled before Redis was restored" };
    return { type: "request.cancelled", actor: "worker", detail, after: undecidedRequest(left, "cancelled") };
  }
  const end = lease?.end?.cause === "revoked" ? lease.end : null;
  if (!end || left.state !== "approved" || isClosed(left) || left.lease.end) return null;
  // Approvers can have decided again.
  if (left.approvals.some(({ at }) => Date.parse(at) > Date.parse(end.at))) return null;
  // The worker removes it, and proves that: only Redis went back.
  const after = withLease(left, { ...left.lease, end }, null);
  return { type: "lease.ending", actor: end.by, detail: { why: end.why }, after };
}

function migrationEndedAgain(ended: Migration, left: Migration): EndedAgain | null {
  const version = left.version + 1;
  // A step that began completes, also after a migration's end.
  const begun = left.begun ?? ended.begun;
  if (ended.state === "done") {
    // The worker finds nothing left to plan, and refuses it.
    if (left.state === "done" || begun) return null;
    const detail = { plan: ended.plan?.digest ?? "", steps: ended.done.map(({ name }) => name) };
    return { type: "migration.done", actor: "worker", detail, after: { ...ended, version } };
  }
  const { by, why } = ended.stop ?? ended.denial ?? {};
  if (isMigrationOver(left) || by === undefined || why === undefined) return null;
  const type = ended.stop ? "migration.stopped" : "migration.denied";
  return { type, actor: by, detail: { digest: ended.plan?.digest ?? "", why }, after: { ...ended, version, begun } };
}

/** Plans the reminders, `afterSeconds` after `askedAt`. None comes after the last possible decision. */
export function planReminders(askedAt: Date, expiresAt: string, afterSeconds: readonly number[]): Reminders {
  return { sent: 0, nextAt: nextAfter(askedAt, askedAt, expiresAt, afterSeconds) };
}

/** The request after a due reminder; null: none is due. Several missed reminders become one. */
export function remind(request: AccessRequest, now: Date, afterSeconds: readonly number[]): PendingRequest | null {
  if (request.state !== "pending" || !request.preview) return null;
  const reminders = remindersAfter(request, request.preview.at, now, afterSeconds);
  return reminders && pendingRequest(request, { reminders });
}

export function remindOfMigration(migration: Migration, now: Date, afterSeconds: readonly number[]): Migration | null {
  if (migration.state !== "pending" || !migration.plan) return null;
  const reminders = remindersAfter(migration, migration.plan.at, now, afterSeconds);
  return reminders && nextMigration(migration, { reminders });
}

/** The reminders after one that is due; null: none is due. @param askedAt ISO 8601: when the approvers were asked */
function remindersAfter(
  { expiresAt, reminders }: PendingRequest | PendingMigration,
  askedAt: string,
  now: Date,
  afterSeconds: readonly number[],
): Reminders | null {
  if (!reminders?.nextAt) return null;
  if (now.getTime() < Date.parse(reminders.nextAt) || now.getTime() >= Date.parse(expiresAt)) return null;
  return { sent: reminders.sent + 1, nextAt: nextAfter(new Date(askedAt), now, expiresAt, afterSeconds) };
}

function nextAfter(askedAt: Date, now: Date, expiresAt: string, afterSeconds: readonly number[]): string | null {
  const times = afterSeconds.map((seconds) => askedAt.getTime() + seconds * 1000);
  const next = times.find((time) => time > now.getTime() && time < Date.parse(expiresAt));
  return next === undefined ? null : new Date(next).toISOString();
}

const fewestAnswers = 3;

/** The usual time from a request to its decision, in seconds: the median of these requests. Null: too few were decided. */
export function usualAnswerSeconds(requests: readonly AccessRequest[]): number | null {
  const waits = requests.flatMap(({ createdAt, approvals, denial, emergency, state }) => {
    const last = state === "denied" ? denial : state === "approved" && !emergency ? approvals.at(-1) : null;
    const seconds = (Date.parse(last?.at ?? "") - Date.parse(createdAt)) / 1000;
    return seconds >= 0 ? [seconds] : [];
  });
  if (waits.length < fewestAnswers) return null;
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? null;
}
