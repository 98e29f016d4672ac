import { z } from "zod";
import type { AuditEvent, ChainedEvent } from "../access/audit-event.ts";
import type { Identities } from "../access/identities.ts";
import { countForm, type Immutable, textForm, textsForm, timeForm } from "../access/lease/lease-record.ts";
import type { LedgerRecord, ListName } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import type { SealedNotice } from "../access/notice.ts";
import type { Zone } from "../access/policy/cluster.ts";
import type { CreationRecord } from "../access/policy/creator.ts";
import type { SealedFleetList } from "../access/policy/fleet-list.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import type { ClusterTrouble, Outage } from "../access/retry.ts";
import type { LinkProposal, PrincipalLink } from "../access/seals.ts";
import type { NamespaceList, SharedGroups } from "../access/shared-lists.ts";

/** A record's next version with its event: written together or not at all. */
export interface LedgerChange {
  readonly after: LedgerRecord;
  /** Null: one more failure that an event already reports; only the number of tries and the next one are new. */
  readonly event: AuditEvent | null;
  /** Of a new request: the most pending requests of the person who asks, this one included. Absent: no limit. */
  readonly maxPending?: number;
}

export type CommitResult =
  | { readonly type: "committed" }
  /** Another change came first: the present record. Null: there is none, for example because too many are pending (`maxPending`). */
  | { readonly type: "conflict"; readonly current: LedgerRecord | null };

export interface ClosedBatch {
  /** Records without any further effect since before this. */
  readonly before: Date;
  /** No worker takes them again until then. */
  readonly postponedUntil: Date;
  readonly limit: number;
}

export type WorkerIdentity = Immutable<z.output<typeof workerIdentityForm>>;
export const workerIdentityForm = z.strictObject({ arn: textForm, account: textForm, at: textForm });

export interface ListOf {
  readonly list: ListName;
  readonly clusters: readonly string[];
  /** They get the access, or asked for it. */
  readonly requester: string | null;
  /** `any`: of one of the clusters or of this person. `both`: of one of the clusters and of this person. */
  readonly match: "any" | "both";
}

export interface ListPage {
  readonly requests: readonly AccessRequest[];
  readonly total: number;
}

/** CloudTrail's record of a cluster's creation, sealed by the worker that asked. */
export interface RememberedCreation {
  readonly record: CreationRecord;
  readonly seal: string;
}

/** A change of a person's links, with its event: written together or not at all. */
export interface LinkChange {
  readonly user: string;
  /** The id of the proposal that must still wait; null: none has to. */
  readonly expected: string | null;
  /** Their new link in its account; null: unchanged. */
  readonly link: PrincipalLink | null;
  readonly proposal: LinkProposal | null;
  readonly event: AuditEvent;
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

export interface UndoneLedger {
  /** Once for each record of which a failover of Redis lost a version of this process. Null: nothing is left of it. */
  eachUndone(act: (cluster: string, left: LedgerRecord | null) => Promise<void>): Promise<void>;
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

/** A person's principals: one in each account. */
export interface LinkLedger {
  /** Remembers the first principal that a person asked with in an account; an existing link stays. Without an event. */
  linkPrincipal(user: string, link: PrincipalLink): Promise<void>;
  /** By account. Trust none without its seal. */
  linksOf(user: string): Promise<readonly PrincipalLink[]>;
  /** Those that a person replaced in the last week: no one approves for an identity by taking on another. Trust none without its seal. */
  formerLinksOf(user: string): Promise<readonly PrincipalLink[]>;
  /** False: the expected proposal is gone, and nothing changed. */
  changeLink(change: LinkChange): Promise<boolean>;
  linkProposalOf(user: string): Promise<LinkProposal | null>;
  /**
   * Puts other questions to administrators about this person in the place of those before, and returns these. Trust no place without the
   * seal. @param proposal what they ask about; null: anything. "outdated": another one waits, and nothing changed
   */
  swapLinkQuestions(
    user: string,
    proposal: string | null,
    questions: LinkQuestions | null,
  ): Promise<LinkQuestions | null | "outdated">;
  /** What a worker found out about a person, by cluster, for a day at most. Trust none without its seal. */
  identitiesOf(user: string): Promise<ReadonlyMap<string, unknown>>;
  rememberIdentities(found: Identities): Promise<void>;
  /** Who is in which Slack user group, as a Slack process shared it for a minute. Do not trust it without its seal. */
  userGroups(): Promise<unknown>;
  shareUserGroups(groups: SharedGroups): Promise<void>;
}

/** What processes share so that only one of them does something. */
export interface TurnLedger {
  /** One of `most` turns (one if absent) of all processes in `everyMs`. It only saves work: it can be done twice. */
  takeTurn(name: string, everyMs: number, most?: number): Promise<boolean>;
  /** Earlier runs then send nothing more to EKS, which keeps no versions. @returns a name that comes only once */
  beginRun(cluster: string): Promise<string>;
  isNewestRun(cluster: string, run: string): Promise<boolean>;
}

/** Workers' findings for all processes, and notices for operators. Trust none without its seal. */
export interface FleetLedger {
  /** When the list of the fleet was made, ISO 8601; null: there is none. */
  fleetAt(): Promise<string | null>;
  fleet(): Promise<unknown>;
  /** With the notice of its changes, at once: who reads of a new cluster finds it in the list. */
  publishFleet(list: SealedFleetList, notice: SealedNotice | null): Promise<void>;
  /** Adds a notice for the operators' channel. The newest hundred stay. */
  addNotice(notice: SealedNotice): Promise<void>;
  notices(): Promise<readonly unknown[]>;
}

/** Clusters that can't be opened, and clusters whose requests wait. */
export interface OutageLedger {
  /** Those of these clusters that can't be opened, by name. */
  clusterTroubles(clusters: readonly string[]): Promise<ReadonlyMap<string, ClusterTrouble>>;
  /** Null: it can be opened. */
  setClusterTrouble(cluster: string, trouble: ClusterTrouble | null): Promise<void>;
  /** Remembers an outage that operators hear of, unless its cluster has one. @returns the one that it has */
  beginOutage(cluster: string, outage: Outage): Promise<Outage>;
  outages(): Promise<ReadonlyMap<string, Outage>>;
  /** False: another process ended it first. */
  endOutage(cluster: string): Promise<boolean>;
}

/** What the ledger remembers about clusters, and about the worker itself. */
export interface ClusterLedger extends OutageLedger {
  /** Which of these clusters' own memories have been read into this ledger. */
  adopted(clusters: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * The id of the server of Redis, if another one answers than the one that was followed last, or the same one started again: its data can be older,
   * so no cluster is adopted. null: the same. It answers so until that server is followed.
   */
  newServer(): Promise<string | null>;
  followServer(id: string): Promise<void>;
  markAdopted(cluster: string): Promise<void>;
  /** When others last reverted aws-auth for the third time or more; without the clusters where they did not. */
  revertedAt(clusters: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  noteReverted(cluster: string, at: Date): Promise<void>;
  /** The remembered creation of a cluster, by its ARN; null: nothing. */
  creation(clusterArn: string): Promise<unknown>;
  /** Do not trust it without its seal. */
  rememberCreation(clusterArn: string, creation: RememberedCreation): Promise<void>;
  /** The namespaces of a cluster, by its name, as a worker published them. Do not trust it without its seal. */
  namespacesOf(cluster: string): Promise<unknown>;
  rememberNamespaces(list: NamespaceList): Promise<void>;
  /** When an API server, by its address, last accepted an identity, to about an hour; null: unknown. A hint, no right. */
  lastAcceptedAt(place: string): Promise<Date | null>;
  rememberAccepted(place: string, at: Date): Promise<void>;
  /**
   * For each level by its name, a digest of the approvers that were once enough. For each cluster and each user group, the people for whom
   * Slack last showed its records. Hints, no rights.
   */
  approversKnown(): Promise<ReadonlyMap<string, string>>;
  rememberApprovers(good: ReadonlyMap<string, string>): Promise<void>;
  noteZone(zone: Zone, at: Date): Promise<void>;
  /** When each zone last had a worker; a zone without one ever is absent. */
  zonesSeen(): Promise<ReadonlyMap<Zone, Date>>;
  setWorkerIdentity(identity: WorkerIdentity): Promise<void>;
  /** @returns the previous digest; null: none. Of several processes with the same new one, only one gets another digest. */
  exchangeConfiguration(kind: string, digest: string): Promise<string | null>;
  /** A process repeats this while it refuses its file. Null: it follows the file. */
  noteRefusal(process: string, refusal: RefusedFile | null): Promise<void>;
  /** Those of the last minutes. Only words for people: nothing seals them. */
  refusals(now: Date): Promise<readonly RefusedFile[]>;
  workerIdentity(): Promise<WorkerIdentity | null>;
}

/** A process runs on an old configuration, because it refuses the file. */
export type RefusedFile = Immutable<z.output<typeof refusedFileForm>>;
export const refusedFileForm = z.strictObject({
  kind: textForm,
  since: timeForm,
  seenAt: timeForm,
  problems: textsForm,
});
export function processName(kind: string): string {
  return kind === "slack" ? "Slack process" : kind === "worker" ? "worker" : "process";
}

/** Three times the pause between two refusals of a process. Milliseconds. */
export const refusalGoodForMs = 180_000;

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

export type MessageRef = Immutable<z.output<typeof messageRefForm>>;
const messageRefForm = z.strictObject({ channel: textForm, ts: textForm });

/** Where administrators read a question, sealed by the Slack process with the person's id. */
export type LinkQuestions = Immutable<z.output<typeof linkQuestionsForm>>;
export const linkQuestionsForm = z.strictObject({ places: z.array(messageRefForm), seal: textForm });

/** A person's direct message, which follows a record. */
export type DirectMessages = Immutable<z.output<typeof directMessagesForm>>;
const directMessagesForm = z.strictObject({
  direct: messageRefForm.nullable(),
  /** The names of the milestones that it has shown. */
  milestones: textsForm,
});

/** The place of a record's message in Slack, and the direct messages sent: the requester's, and the others'. */
export type ShownMessages = Immutable<z.output<typeof shownMessagesForm>>;
export type ApproverCopy = ShownMessages["copies"][number];
export const shownMessagesForm = directMessagesForm.extend({
  /** The version of the record that the message shows. */
  version: countForm,
  /** The extension that the message shows, and its end; null or absent: none. */
  extension: textForm.nullable().optional(),
  /** Whether the messages say that the cluster was removed from eks-access.yml; absent: they do not. */
  isRemoved: z.boolean().optional(),
  message: messageRefForm.nullable(),
  /** If the channel can't be reached: the same message to each approver, as a direct message. */
  copies: z.array(messageRefForm.extend({ user: textForm })),
  /** To the person who asked for the requester; absent: none. */
  asker: directMessagesForm.optional(),
  /** The Slack process's, over all fields above and the record's id; absent: its reader does not verify it. */
  seal: textForm.optional(),
});
