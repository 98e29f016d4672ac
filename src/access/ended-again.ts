import type { AuditEvent, EventType } from "./audit-event.ts";
import { isMigration, type LedgerRecord } from "./lists.ts";
import { isMigrationOver, type Migration } from "./migration.ts";
import type { AccessRequest } from "./record.ts";
import { deniedRequest, isClosed, undecidedRequest, withLease } from "./request.ts";

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
