import type { AuditEvent, ChainedEvent } from "../access/audit-event.ts";
import type { LedgerRecord } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import type { ClosedBatch } from "./closed.ts";
import type { ClusterLedger } from "./clusters.ts";
import type { FleetLedger } from "./fleet.ts";
import type { LinkLedger } from "./links.ts";
import type { ListOf } from "./lists.ts";
import type { ShownMessages } from "./stored.ts";
import type { TurnLedger } from "./turns.ts";

/** A record's next version with its event: written together or not at all. */
export interface LedgerChange {
  readonly after: LedgerRecord;
  /** Null: an event already reports it: one more failure with the number of tries and the next one, or a new seal. */
  readonly event: AuditEvent | null;
  /** Of a new request: the most pending requests of the person who asks, this one included. Absent: no limit. */
  readonly maxPending?: number;
}

export type CommitResult =
  | { readonly type: "committed" }
  /** Another change came first: the present record. Null: there is none, for example because too many are pending (`maxPending`). */
  | { readonly type: "conflict"; readonly current: LedgerRecord | null };

export interface ListPage {
  readonly requests: readonly AccessRequest[];
  readonly total: number;
}

/** Records of either kind: written by compare-and-swap, found when they are due, and removed when they are over. */
export interface RecordLedger {
  /** Compare-and-swap: succeeds only if the stored version is one less than `after.version` (absent counts as 0). */
  commit(change: LedgerChange): Promise<CommitResult>;
  /** The longest due first. @param isKnown leaves out a record by its id and the time at which it was due, in milliseconds, unread */
  due(now: Date, limit: number, isKnown?: (id: string, dueAt: number) => boolean): Promise<readonly LedgerRecord[]>;
  /** One sentence for people, if the record can't be read; null: it can, or there is none. */
  whyUnreadable(id: string): Promise<string | null>;
  /** Closed records without any further effect, the longest closed first. Two workers at once get different ones. */
  takeClosed(taking: ClosedBatch): Promise<readonly LedgerRecord[]>;
  /**
   * Removes a record with its data; its id finds its events for this long (null: for ever). False: it changed, something is due
   * or unshown, an open request extends it, or it is its cluster's newest migration, which gives the next number.
   */
  remove(record: LedgerRecord, logForMs: number | null): Promise<boolean>;
}

export interface RequestLedger extends RecordLedger {
  /** Null: there is none, or it can't be read. */
  get(id: string): Promise<AccessRequest | null>;
  /** Approved records of a cluster with leases that are not over. Pending ones, which have no limit, are not among them. */
  leasedOf(cluster: string): Promise<readonly ApprovedRequest[]>;
  /** Pending records of a cluster with something due, the longest due first. */
  duePendingOf(cluster: string, now: Date, limit: number): Promise<readonly AccessRequest[]>;
  /** Open leases that should have been gone at this time, the longest overdue first. */
  overdue(since: Date, limit: number): Promise<readonly ApprovedRequest[]>;
  /** The open requests and the ended leases that extend this one. */
  extensionsOf(id: string): Promise<readonly AccessRequest[]>;
  /** The number of records of each class (src/access/lists.ts); a class without any is absent. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** The number of open records of each cluster; a cluster without any is absent. */
  openByCluster(): Promise<ReadonlyMap<string, number>>;
  /** Records in which this person gets the access, newest first. */
  ofRequester(user: string, limit: number): Promise<readonly AccessRequest[]>;
  /** Whether this id is of a removed permanent lease: its id stays known. */
  isPermanentLeaseOver(id: string): Promise<boolean>;
  list(of: ListOf, offset: number, limit: number): Promise<ListPage>;
}

/** What Slack shows: the versions in messages, the entries of threads, and App Homes. */
export interface MessageLedger {
  /** Ids of records with a newest version that no message shows yet. */
  unshown(limit: number): Promise<readonly string[]>;
  shown(id: string): Promise<ShownMessages | null>;
  /** Remembers the content of a message. The record is then unshown only if it has a newer version. */
  markShown(id: string, shown: ShownMessages): Promise<void>;
  /** Records that a channel does not show as they are, and the channel: Slack refused the update, or other people can approve now. */
  outdated(): Promise<ReadonlyMap<string, string>>;
  outdatedIn(id: string): Promise<string | null>;
  /** @param channel null: it shows the record as it is */
  rememberOutdated(id: string, channel: string | null): Promise<void>;
  threadEntryNames(id: string): Promise<readonly string[]>;
  addThreadEntries(id: string, names: readonly string[]): Promise<void>;
  rememberHome(user: string, hash: string): Promise<void>;
  /** The hashes of these people's App Homes; a person who never opened it is absent. @param users null: of all */
  homesOf(users: readonly string[] | null): Promise<ReadonlyMap<string, string>>;
}

export interface EventLedger {
  /** Such as a refused attempt, among the events of its record. May append it twice, if an answer was lost. */
  note(event: AuditEvent): Promise<void>;
  /** Appends an event that is about no record: unlike with `note`, `eventsOf` finds it by its `request`. May append it twice. */
  append(event: AuditEvent): Promise<void>;
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  eventsOf(id: string, limit: number): Promise<readonly ChainedEvent[]>;
  /** Why the log takes no event, so that nothing can change: a person wrote into it. Null: it takes them. */
  logFlaw(): Promise<string | null>;
}

/** Code names the small port that it uses, so that a fake needs no more. Every implementation passes test/ledger/contract.ts. */
export interface Ledger
  extends RequestLedger,
    MessageLedger,
    EventLedger,
    LinkLedger,
    TurnLedger,
    ClusterLedger,
    FleetLedger {
  readonly migrations: MigrationLedger;
}

/** The migrations of clusters to access entries. Every implementation passes test/ledger/migration-contract.ts. */
export interface MigrationLedger {
  /** Null: there is none, or it can't be read. */
  get(id: string): Promise<Migration | null>;
  latestOf(cluster: string): Promise<Migration | null>;
  /** Every migration that is open, or has a step that still runs; at most one for each cluster. */
  open(): Promise<readonly Migration[]>;
}
