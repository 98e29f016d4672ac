import type { Way } from "../policy/cluster.ts";
import type { CodedReason, EndProof, MappedIdentity, Proof, Trouble } from "./proof-record.ts";

export type LeaseState = Lease["state"];

/** Why a lease must end, and who decided it. */
export interface LeaseEnd {
  /**
   * - `replayed`: a person put an old copy of the record into the ledger, after a revocation
   * - `cluster-gone`: an operator closed it, because the cluster no longer exists
   */
  readonly cause: "expired" | "revoked" | "replayed" | "cluster-gone";
  /** A Slack user id, or `worker`. */
  readonly by: string;
  /** ISO 8601: the time of the decision; `endedAt` is the time when the access was gone. */
  readonly at: string;
  readonly why: string;
}

/** The lease of an approved request. Its type by state has exactly the fields that the state needs. */
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
  /** ISO 8601: when the entry was gone from the cluster. */
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
   * ISO 8601. Counted from the sealed decision, so that an attacker with Redis can't move it, and an old approval never works after its
   * end.
   */
  readonly endsAt: string;
  /**
   * ISO 8601: when the first write to the cluster began; null: certainly nothing of it is there. The ledger has it before the write, so
   * that a process that dies between them leaves nothing unknown behind.
   */
  readonly writeBegan: string | null;
  /** ISO 8601: when its bindings were last sent again, so that an earlier call may still arrive; null: never. */
  readonly sentAgainAt: string | null;
  /** ISO 8601: when the proof was complete; null before. */
  readonly activeSince: string | null;
  readonly proof: Proof | null;
  /** ISO 8601: when to check whether the principal signed in; null: no sign-in is due. */
  readonly signInDueAt: string | null;
  /** Set during retries of a sign-in without a result. */
  readonly signInTrouble: Trouble | null;
  /** Set while the API server did not say what the lease allows and is asked again. */
  readonly reviewTrouble: Trouble | null;
  /** What it added to the cluster; set when it becomes active. */
  readonly written: WrittenShare | null;
  /** Set while others' change keeps its part out of the cluster: one clause for people. */
  readonly drift: { readonly at: string; readonly message: string } | null;
  /** ISO 8601: when the reminder of its end is due; set when it becomes active. */
  readonly warnAt: string | null;
  /** ISO 8601: when the reminder of its end was sent; null before. */
  readonly warnedAt: string | null;
  /** Set while an active lease waits for its removal. */
  readonly end: LeaseEnd | null;
  /**
   * ISO 8601: when its approval became void, while the cluster may have or get a part of it. A void lease sends nothing more. Null
   * otherwise.
   */
  readonly voidSince: string | null;
  /** Whether the cluster could not remember its revocation. */
  readonly isForgotten: boolean;
  /** What was verified after the end; null: nothing, for example because the cluster is gone. */
  readonly endProof: EndProof | null;
  /** Who the principal is in aws-auth after the end: the base, or what other leases give. */
  readonly remains: MappedIdentity | null;
}

/**
 * What a lease added to the cluster, sealed in its record. The cluster's own memory is an annotation or tags, which a person can strip
 * from an entry. Without this copy the entry would then look as if it had always been there. The seal covers everything that a repair or
 * removal uses, so neither trusts anything else of the record.
 */
export interface WrittenShare {
  readonly entryAdded: boolean;
  readonly added: readonly string[];
  readonly way: Way;
  /** What it gives, as the cluster's own memory had it. */
  readonly share: Share;
  readonly seal: string;
}

/** One lease's share of an entry, with everything that rebuilds the lease after a loss of the ledger. */
export interface Share {
  /** Request id. */
  readonly id: string;
  readonly groups: readonly string[];
  /** ISO 8601. */
  readonly endsAt: string;
  readonly level: string;
  /** Slack user id. */
  readonly requester: string;
  /** Whether it is emergency access, which needs a review even after a loss of the ledger. */
  readonly emergency: boolean;
  /** Slack user ids. */
  readonly approvers: readonly string[];
}

/**
 * Our part of one entry of the document. It lists what we added, never what was there. So others' changes count as theirs, and a removal
 * of our part removes nothing of theirs.
 */
export interface Holding {
  /** ARN as written in the document. */
  readonly arn: string;
  /** Whether we made the entry itself; otherwise we only added groups to others' entry. */
  readonly entryAdded: boolean;
  /** Groups that were not there before us, sorted. */
  readonly added: readonly string[];
  readonly shares: readonly Share[];
}

export interface OtherLease {
  /** Request id. */
  readonly id: string;
  /** Those of its groups that the principal has, or is about to get. Sorted. */
  readonly groups: readonly string[];
  /** ISO 8601. */
  readonly endsAt: string;
}

/** The principal's other leases in the ledger. */
export interface OtherLeasesNow {
  readonly leases: readonly OtherLease[];
  readonly isExtendedLeaseOver: boolean;
}
