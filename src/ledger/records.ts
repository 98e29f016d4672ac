import { closedSince } from "../access/request/lists.ts";
import { isMigrationId, type Migration, migrationClosedSince, migrationDueAt } from "../access/request/migration.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { dueAt } from "../access/request/request.ts";

/** A record of the ledger. Both kinds are committed, found when due, shown and removed in the same way. */
export type LedgerRecord = AccessRequest | Migration;

/** The kind of a record, by its id. */
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
