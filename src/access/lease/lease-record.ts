import type { Way } from "../policy/cluster.ts";
import type { CodedReason, EndProof, MappedIdentity, Proof, Trouble } from "./proof-record.ts";

export type LeaseState = Lease["state"];

/** Why a lease is to end, and who said so. */
export interface LeaseEnd {
  /**
   * - `replayed`: it had been taken back, and a record of before was put back into the ledger
   * - `cluster-gone`: an operator closed it, because the cluster was deleted
   */
  readonly cause: "expired" | "revoked" | "replayed" | "cluster-gone";
  /** A Slack user id, or `worker`. */
  readonly by: string;
  /** ISO 8601: when it was decided; `endedAt` says when it was done. */
  readonly at: string;
  readonly why: string;
}

/** The lease that an approved request gives, by its state: none has a field that its state can't have, nor lacks one that it must. */
export type Lease = LeaseFields & (ScheduledLease | ActiveLease | EndedLease | FailedLease);

interface ScheduledLease {
  readonly state: "scheduled";
  readonly endedAt: null;
  readonly failure: null;
}

interface ActiveLease {
  readonly state: "active";
  readonly activeSince: string;
  readonly endedAt: null;
  readonly failure: null;
}

interface EndedLease {
  readonly state: "ended";
  /** ISO 8601: when the entry was seen to be gone. */
  readonly endedAt: string;
  readonly failure: null;
}

interface FailedLease {
  readonly state: "failed";
  readonly endedAt: null;
  /** One sentence. */
  readonly failure: CodedReason;
}

/** What a lease has in every state. */
export interface LeaseFields {
  /**
   * ISO 8601. Counted from the sealed decision, so that an attacker with write access to Redis can't move it and an old
   * approval can never be played again after its end.
   */
  readonly endsAt: string;
  /**
   * ISO 8601: when a write to the document was first begun; null: certainly nothing of it is in the document. It is
   * in the ledger before the write is sent, so that a process that dies in between leaves nothing behind unknown.
   */
  readonly writeBegan: string | null;
  /** ISO 8601: when bindings of it were last sent again, so that an earlier call may still arrive; null: never. */
  readonly sentAgainAt: string | null;
  /** ISO 8601: when the proof had been run; null before. */
  readonly activeSince: string | null;
  readonly proof: Proof | null;
  /**
   * ISO 8601: when to look whether the principal has signed in, set while that is being tried; null: it is not.
   */
  readonly signInDueAt: string | null;
  /** Set while signing in is tried again, because nothing said yes or no. */
  readonly signInTrouble: Trouble | null;
  /** Set while the API server is asked again what the lease allows, because it did not answer; null: it is not. */
  readonly reviewTrouble: Trouble | null;
  /** What it added to the document; set when it turns active. */
  readonly written: WrittenShare | null;
  /** Set while another person's change keeps its part out of the document: one clause for people. */
  readonly drift: { readonly at: string; readonly message: string } | null;
  /** ISO 8601: when the reminder of its end comes; set when it turns active. */
  readonly warnAt: string | null;
  /** ISO 8601: when the reminder of its end was sent; null before. */
  readonly warnedAt: string | null;
  /** Set while an active lease waits to be taken away. */
  readonly end: LeaseEnd | null;
  /**
   * ISO 8601: since when its approval is known to be void, while something of it may stand in the cluster or come to stand there:
   * nothing is sent for it any more. Null otherwise.
   */
  readonly voidSince: string | null;
  /** Whether the cluster could not remember that it was taken back before its end. */
  readonly isForgotten: boolean;
  /** What was verified after the end; null: nothing, as where the cluster is gone. */
  readonly endProof: EndProof | null;
  /** Who the principal is in aws-auth after the end: what was there without us, or what other leases give. */
  readonly remains: MappedIdentity | null;
}

/**
 * What a lease added to the cluster, kept in its record and sealed: the cluster's own memory is an annotation or tags, which
 * a person may strip while the entry stays. Without this the entry would then pass for one that was always there. The seal covers
 * all that is repaired or taken away by it, so nothing else of the record is believed for that.
 */
export interface WrittenShare {
  readonly entryAdded: boolean;
  readonly added: readonly string[];
  /** Where it stands. */
  readonly way: Way;
  /** What it gives, as the cluster's own memory had it. */
  readonly share: Share;
  readonly seal: string;
}

/** One active lease's share of an entry, with what it takes to rebuild the lease where the ledger was lost. */
export interface Share {
  /** Request id. */
  readonly id: string;
  readonly groups: readonly string[];
  /** ISO 8601. */
  readonly endsAt: string;
  readonly level: string;
  /** Slack user id. */
  readonly requester: string;
  /** Whether the requester took emergency access for it: that has to be reviewed, also after the ledger was lost. */
  readonly emergency: boolean;
  /** Slack user ids. */
  readonly approvers: readonly string[];
}

/**
 * What of one entry of the document is ours. It says what we added, never what was there: so what others change
 * meanwhile counts as theirs, and taking our part away takes nothing of theirs.
 */
export interface Holding {
  /** ARN as written in the document. */
  readonly arn: string;
  /** Whether the entry itself is ours; otherwise we only added groups to another team's entry. */
  readonly entryAdded: boolean;
  /** Groups that were not there before us, sorted. */
  readonly added: readonly string[];
  readonly shares: readonly Share[];
}

/** Another lease of the same principal. */
export interface OtherLease {
  /** Request id. */
  readonly id: string;
  /** What of its groups the principal really has, or is about to get. Sorted. */
  readonly groups: readonly string[];
  /** ISO 8601. */
  readonly endsAt: string;
}

/** What the ledger says of the leases beside a request. */
export interface OtherLeasesNow {
  readonly leases: readonly OtherLease[];
  /** The lease that the request extends is over, or is being ended: there is nothing to extend any more. */
  readonly isExtendedLeaseOver: boolean;
}
