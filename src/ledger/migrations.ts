import type { AuditEvent } from "../access/audit/event.ts";
import type { Migration } from "../access/migration/migration.ts";

/** A move's next version with the event that tells of it: written together or not at all. */
export interface MigrationChange {
  readonly after: Migration;
  readonly event: AuditEvent;
}

export type MigrationCommit =
  | { readonly type: "committed" }
  /** Somebody was first: the record as it stands now (null: there is none). */
  | { readonly type: "conflict"; readonly current: Migration | null };

/** Which closed records are handed out. */
export interface Taking {
  /** Those of which nothing can come since before this. */
  readonly before: Date;
  /** Until then none of them is handed out again. */
  readonly putOffUntil: Date;
  readonly limit: number;
}

/** The moves of clusters to access entries, beside the requests. Every implementation passes test/ledger/migration-contract.ts. */
export interface MigrationLedger {
  get(id: string): Promise<Migration | null>;
  /** The newest move of a cluster, whether it is over or not. */
  latestOf(cluster: string): Promise<Migration | null>;
  /** Compare-and-swap, as of a request. */
  commit(change: MigrationChange): Promise<MigrationCommit>;
  /** Moves at which a worker has to look, the longest due first. */
  due(now: Date, limit: number): Promise<readonly Migration[]>;
  /** Every move that is not over, or of which a step is still seen to its end; of each cluster there is one at the most. */
  open(): Promise<readonly Migration[]>;
  /** Moves of which nothing can come any more, as of requests. */
  takeClosed(taking: Taking): Promise<readonly Migration[]>;
  /** As of a request. False also for the newest move of its cluster: the next one is numbered after it. */
  remove(migration: Migration, logForMs: number | null): Promise<boolean>;
  /** Ids of moves whose newest version no message shows yet. */
  unshown(limit: number): Promise<readonly string[]>;
  shown(id: string): Promise<Shown | null>;
  markShown(id: string, shown: Shown): Promise<void>;
}

/** Where a message stands in Slack. */
export interface Place {
  readonly channel: string;
  readonly ts: string;
}

/** The message of a request in a direct message to this approver. */
export interface Copy extends Place {
  readonly user: string;
}

/** The place of a request's message in Slack, and the direct messages sent. */
export interface Shown {
  /** The version of the record that the message shows. */
  readonly version: number;
  readonly message: Place | null;
  /** Where the channel could not be reached: the same message to each approver. */
  readonly copies: readonly Copy[];
  /** The names of the direct messages that the requester got. */
  readonly delivered: readonly string[];
}
