import type { PrincipalLink } from "../access/approval/links.ts";
import type { AuditEvent, ChainedEvent } from "../access/audit/event.ts";
import type { Migration } from "../access/migration/migration.ts";
import type { CreationRecord } from "../access/policy/creator.ts";
import type { ListName } from "../access/request/lists.ts";
import type { AccessRequest, ApprovedRequest } from "../access/request/record.ts";
import type { ClusterTrouble } from "../access/request/retry.ts";
import type { LedgerRecord } from "./records.ts";

/** A record's next version with the event that tells of it: written together or not at all. */
export interface LedgerChange {
  readonly after: LedgerRecord;
  /** Null: something failed again as an event says already, and only the count of tries and the next one are new. */
  readonly event: AuditEvent | null;
  /** Of a new request: so many of its requester's requests wait for a decision at most, this one included. Absent: as many as like. */
  readonly mostPending?: number;
}

export type CommitResult =
  | { readonly type: "committed" }
  /** Another change came first: the record as it stands now. Null: there is none, as where too many wait already (`mostPending`). */
  | { readonly type: "conflict"; readonly current: LedgerRecord | null };

/** Which closed records are handed out. */
export interface ClosedBatch {
  /** Those of which nothing can come since before this. */
  readonly before: Date;
  /** Until then none of them is handed out again. */
  readonly putOffUntil: Date;
  readonly limit: number;
}

/** The identity that AWS says the worker has. */
export interface WorkerIdentity {
  readonly arn: string;
  readonly account: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Which records of a list: all of these clusters, and those of this person. */
export interface ListOf {
  readonly list: ListName;
  readonly clusters: readonly string[];
  readonly requester: string | null;
  /** `any`: of one of the clusters or of this person. `both`: of one of the clusters and of this person. */
  readonly match: "any" | "both";
}

export interface ListPage {
  /** In the order of the list. */
  readonly requests: readonly AccessRequest[];
  /** How many the whole list has. */
  readonly total: number;
}

/** What CloudTrail said about a cluster's creation, sealed by the worker that asked. */
export interface RememberedCreation {
  readonly record: CreationRecord;
  readonly seal: string;
}

/** A person's wish to be linked with a principal, which waits for an administrator. */
export interface LinkProposal {
  readonly id: string;
  /** Slack user id. */
  readonly user: string;
  readonly arn: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What becomes of a person's links, with the event that tells of it: written together or not at all. */
export interface LinkChange {
  /** Slack user id. */
  readonly user: string;
  /** The id of the proposal that must still wait; null: whatever waits. */
  readonly expected: string | null;
  /** What they are linked with in its account from now on; null: as before. */
  readonly link: PrincipalLink | null;
  /** What waits from now on; null: nothing. */
  readonly proposal: LinkProposal | null;
  readonly event: AuditEvent;
}

/** Records of either kind: written by compare-and-swap, found when they are due, and removed when they are over. */
export interface RecordLedger {
  /** Compare-and-swap: succeeds only where the stored version is one less than `after.version` (absent counts as 0). */
  commit(change: LedgerChange): Promise<CommitResult>;
  /** Records about which something is due, the longest due first. */
  due(now: Date, limit: number): Promise<readonly LedgerRecord[]>;
  /** One sentence for people, where there is a record that can't be read; null: there is none such. */
  whyUnreadable(id: string): Promise<string | null>;
  /** Closed records of which nothing can come any more, the longest closed first. Two workers at once get different ones. */
  takeClosed(taking: ClosedBatch): Promise<readonly LedgerRecord[]>;
  /**
   * Removes a record with all that belongs to it, but not its events: they stay, and are found by its id for so long (null: for ever).
   * False: it changed, something is due about it, its message does not show it yet, an open request extends it, or it is the newest
   * migration of its cluster: the next one is numbered after it.
   */
  remove(record: LedgerRecord, logForMs: number | null): Promise<boolean>;
}

/** Requests with their leases: read and listed. */
export interface RequestLedger extends RecordLedger {
  /** Null: there is none, or it can't be read. */
  get(id: string): Promise<AccessRequest | null>;
  /** Approved records of a cluster with leases that are not over. As many may wait for a decision as like: they are not among them. */
  grantedOf(cluster: string): Promise<readonly ApprovedRequest[]>;
  /** Pending records of a cluster about which something is due, the longest due first. */
  duePendingOf(cluster: string, now: Date, limit: number): Promise<readonly AccessRequest[]>;
  /** How many records there are of each class (src/access/request/lists.ts); one of which there was never any is not in it. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** How many records of each cluster are not closed; a cluster without any is not in it. */
  openByCluster(): Promise<ReadonlyMap<string, number>>;
  /** Records of this person, newest first. */
  ofRequester(user: string, limit: number): Promise<readonly AccessRequest[]>;
  /** Whether it was a permanent lease that is over, and whose record was removed: its id stays. */
  isOverForGood(id: string): Promise<boolean>;
  /** A page of a list. */
  list(of: ListOf, offset: number, limit: number): Promise<ListPage>;
}

/** What Slack shows: which messages show which version, what threads and App Homes tell. */
export interface MessageLedger {
  /** Ids of records with a newest version that no message shows yet. */
  unshown(limit: number): Promise<readonly string[]>;
  shown(id: string): Promise<Shown | null>;
  /**
   * Remembers what is shown; takes the record off the unshown ones where that is its newest version, and puts it
   * among them where it is not.
   */
  markShown(id: string, shown: Shown): Promise<void>;
  /** Names of a thread's entries, in order. */
  toldInThread(id: string): Promise<readonly string[]>;
  addToldInThread(id: string, names: readonly string[]): Promise<void>;
  /** Remembers the hash of the App Home that a person sees. */
  rememberHome(user: string, hash: string): Promise<void>;
  /** The hashes of these people's App Homes; who never opened theirs is not in it. */
  homesOf(users: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** The audit log of changes and of what was refused. */
export interface EventLedger {
  /**
   * Appends an event that tells of no change, as of an attempt that was refused; it is among those of its request or
   * its migration, where there is one. May append it twice, where an answer got lost.
   */
  note(event: AuditEvent): Promise<void>;
  /** An event about something that is no record: unlike with `note`, `eventsOf` finds it by its `request`. It may be there twice. */
  append(event: AuditEvent): Promise<void>;
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  /** The last events that tell of this request, in order. */
  eventsOf(id: string, limit: number): Promise<readonly ChainedEvent[]>;
}

/** Which principals belong to a person: one in each account. */
export interface LinkLedger {
  /** Remembers what a person first asked with in an account; a link that is there stays. Without an event. */
  linkPrincipal(user: string, link: PrincipalLink): Promise<void>;
  /** By account. Do not believe one without its seal. */
  linksOf(user: string): Promise<readonly PrincipalLink[]>;
  /** False: the proposal that was expected does not wait any more, and nothing is changed. */
  changeLink(change: LinkChange): Promise<boolean>;
  linkProposalOf(user: string): Promise<LinkProposal | null>;
}

/** What processes share so that one of them does a thing. */
export interface TurnLedger {
  /**
   * Takes one of the turns, `most` or one, that there are in `everyMs` for all processes together, first come, first served.
   * False: there is none left. It only saves work: what a turn does may be done twice.
   */
  takeTurn(name: string, everyMs: number, most?: number): Promise<boolean>;
  /**
   * Begins a run that changes access entries of a cluster, of which EKS keeps no versions: none that began before goes on to send
   * anything. Gives a name for it, which no other run has: numbers could come twice after a failover.
   */
  beginRun(cluster: string): Promise<string>;
  /** Whether no other run has begun since. */
  isNewestRun(cluster: string, run: string): Promise<boolean>;
}

/** What is remembered about clusters, and about the worker itself. */
export interface ClusterLedger {
  /** Which of these clusters' own memories have been read into this ledger. */
  adopted(clusters: readonly string[]): Promise<ReadonlySet<string>>;
  markAdopted(cluster: string): Promise<void>;
  /** Those of these clusters that can't be worked on, by name. */
  clusterTroubles(clusters: readonly string[]): Promise<ReadonlyMap<string, ClusterTrouble>>;
  /** Null: it can be worked on. */
  setClusterTrouble(cluster: string, trouble: ClusterTrouble | null): Promise<void>;
  /** What was found out about the creation of a cluster, by its ARN, as it was remembered; null: nothing. */
  creation(clusterArn: string): Promise<unknown>;
  /** Do not believe it without its seal. */
  rememberCreation(clusterArn: string, creation: RememberedCreation): Promise<void>;
  /** When an API server, by its address, last let an identity in, give or take an hour; null: that is not known. Nothing is given by it. */
  letIn(place: string): Promise<Date | null>;
  rememberLetIn(place: string, at: Date): Promise<void>;
  /** For each level by its name, a digest of the approvers with which there were once enough; nothing is given by it. */
  goodApprovers(): Promise<ReadonlyMap<string, string>>;
  rememberGoodApprovers(good: ReadonlyMap<string, string>): Promise<void>;
  setWorkerIdentity(identity: WorkerIdentity): Promise<void>;
  workerIdentity(): Promise<WorkerIdentity | null>;
}

/**
 * All ports together, as a process opens them. Code names the small port that it uses, or a part of it: a fake then needs no more.
 * Every implementation passes test/ledger/contract.ts.
 */
export interface Ledger extends RequestLedger, MessageLedger, EventLedger, LinkLedger, TurnLedger, ClusterLedger {
  readonly migrations: MigrationLedger;
}

/** The migrations of clusters to access entries. Every implementation passes test/ledger/migration-contract.ts. */
export interface MigrationLedger {
  /** Null: there is none, or it can't be read. */
  get(id: string): Promise<Migration | null>;
  /** The newest migration of a cluster, whether it is over or not. */
  latestOf(cluster: string): Promise<Migration | null>;
  /** Every migration that is not over, or of which a step is still seen to its end; of each cluster there is one at the most. */
  open(): Promise<readonly Migration[]>;
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

/** The place of a record's message in Slack, and the direct messages sent. */
export interface Shown {
  /** The version of the record that the message shows. */
  readonly version: number;
  readonly message: Place | null;
  /** Where the channel could not be reached: the same message to each approver. */
  readonly copies: readonly Copy[];
  /** The direct message to the requester, which follows the record. */
  readonly told: Place | null;
  /** The names of what the requester was told. */
  readonly delivered: readonly string[];
}
