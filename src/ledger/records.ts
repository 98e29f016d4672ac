import { isMigrationId, type Migration, migrationClosedSince, migrationDueAt } from "../access/migration/migration.ts";
import { closedSince } from "../access/request/lists.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { dueAt } from "../access/request/request.ts";

/** A record of the ledger. Both kinds have one life: they are committed, found when they are due, shown and removed in the same way. */
export type LedgerRecord = AccessRequest | Migration;

/** Which kind a record is of: its id says it. */
export function isMigration(record: LedgerRecord): record is Migration {
  return isMigrationId(record.id);
}

/** The other kind. */
export function isRequest(record: LedgerRecord): record is AccessRequest {
  return !isMigration(record);
}

/** When something has to be done about a record next, in milliseconds since the epoch; null: never again. */
export function recordDueAt(record: LedgerRecord): number | null {
  return isMigration(record) ? migrationDueAt(record) : dueAt(record);
}

/** Since when nothing can come of a record, in milliseconds since the epoch; null: something still can. */
export function recordClosedSince(record: LedgerRecord): number | null {
  return isMigration(record) ? migrationClosedSince(record) : closedSince(record);
}
