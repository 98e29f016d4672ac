import type { Way } from "../policy/cluster.ts";
import type { Standing } from "../policy/person.ts";
import type { GroupRight } from "../policy/rights.ts";
import type { Typed } from "./typed.ts";

/** A username and the groups that it brings, as aws-auth gives them. */
export interface MappedIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

/** What the worker saw in the cluster before anybody was asked. */
export interface Preview {
  /** ISO 8601. */
  readonly at: string;
  /** Digest of the change; it goes into the button and into the decision. */
  readonly digest: string;
  /** How the cluster would take it. */
  readonly way: Way;
  /** Unified difference of the document or of the access entry, as text. */
  readonly diff: string;
  /** Who the principal is in the cluster today; null: it can't sign in through aws-auth. */
  readonly today: MappedIdentity | null;
  /** What is there without us; the digest depends on it. */
  readonly base: MappedIdentity | null;
  /** The other leases of the principal; the digest covers them. */
  readonly leases: readonly OtherLease[];
  /** Who it would be. */
  readonly afterwards: MappedIdentity;
  /** What the groups may do by the cluster's role bindings; null: that could not be read. */
  readonly rights: readonly GroupRight[] | null;
  /** Sentences for the approver, for example that no RBAC binding names a group. */
  readonly warnings: readonly string[];
  /** The worker's, over all of the above and the request's id. */
  readonly seal: string;
}

/** Why something does not go on, in words for people. */
export interface Trouble {
  readonly code: string;
  /** One sentence: what, where and how to fix it. */
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** ISO 8601, when it is tried again. */
  readonly retryAt: string;
  /** A digest of each cause so far, bounded. */
  readonly causes: readonly string[];
}

/** What a request has in every state. */
export interface RequestFields extends Typed {
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  /** Slack user id. */
  readonly requester: string;
  /** What Slack says about the requester, for the policy. */
  readonly standing: Standing;
  /** Names of the configuration. */
  readonly cluster: string;
  readonly level: string;
  /** ARN as it is written into the document. */
  readonly principal: string;
  /** The level's groups and access policies when the request was made. */
  readonly groups: readonly string[];
  readonly durationSeconds: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601: after this time it can't be approved. */
  readonly lapsesAt: string;
  /** The request whose lease this one follows, or null. */
  readonly extends: string | null;
  /** ISO 8601: when the lease of an extension ends. Null: the lease counts from the last approval. */
  readonly until: string | null;
  /** Null: the worker has not looked yet, or has to look again. An emergency has none. */
  readonly preview: Preview | null;
  /** Set with the preview, when the approvers are asked. */
  readonly reminders: Reminders | null;
  /** The sealed approvals, of different people, in the order in which they were given. */
  readonly approvals: readonly Decision[];
  /** Approvals that no longer count, because the person is no longer an approver. */
  readonly dropped: readonly DroppedApproval[];
  /** How many approvals it needs, for messages: the worker asks the policy again before it writes. */
  readonly approvalsWanted: number;
  /** Set while something is tried again. */
  readonly trouble: Trouble | null;
  /** Set while the request waits for new approvals, because the earlier ones were void. */
  readonly voided: { readonly by: readonly string[]; readonly message: string } | null;
}

/** A code for programs and a sentence for people. */
export interface Because {
  readonly code: string;
  readonly message: string;
}

interface Nothing {
  readonly lease: null;
  readonly emergency: null;
  readonly denial: null;
  readonly refusal: null;
}

/** Waits for the worker's preview, then for a decision. */
export type PendingRequest = RequestFields & Nothing & { readonly state: "pending" };

/** Has a lease, by approvals or by an emergency (`emergency`). */
export type ApprovedRequest = RequestFields &
  Omit<Nothing, "lease" | "emergency"> & {
    readonly state: "approved";
    readonly lease: Lease;
    readonly emergency: Emergency | null;
  };

/** Got its lease by an emergency, without an approval. */
export type EmergencyRequest = ApprovedRequest & { readonly emergency: Emergency };

export type DeniedRequest = RequestFields &
  Omit<Nothing, "denial"> & { readonly state: "denied"; readonly denial: Decision };

/** Cancelled by the requester, or not decided in time. */
export type UndecidedRequest = RequestFields & Nothing & { readonly state: "cancelled" | "lapsed" };

/** The policy, the plan or the cluster said no before an approver decided. */
export type RefusedRequest = RequestFields &
  Omit<Nothing, "refusal"> & { readonly state: "refused"; readonly refusal: Because };

/** One record of the ledger: what a person asked for, the decisions about it, and the lease that came of it. */
export type AccessRequest = PendingRequest | ApprovedRequest | DeniedRequest | UndecidedRequest | RefusedRequest;

export type RequestState = AccessRequest["state"];

/** One approver's answer to one exact change, sealed. */
export interface Decision {
  /** `broke-glass`: the requester's own word, for an emergency; it stands where approvals would. */
  readonly verdict: "approved" | "denied" | "broke-glass";
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** The digest of the change that the approver saw. */
  readonly digest: string;
  readonly why: string;
  /**
   * What Slack said at that moment: which user groups of the policy the approver is of, and the requester's standing.
   * The worker can't ask Slack, and decides by this.
   */
  readonly memberships: readonly string[];
  /** Null where nothing depends on it: for emergency access and for a migration. */
  readonly requester: Standing | null;
  /** The ARN that the approver's account was linked with at that moment; null: none, or nothing depends on it. */
  readonly linked: string | null;
  /**
   * Of an approval: everybody whose approval counts with it, this one included. The Slack process had looked that each of them has an
   * active account and is an approver at that moment. Empty in a denial and for emergency access.
   */
  readonly stillApprovers: readonly string[];
  /** Signed with the decision key: over all of the above and the request's id, `<key id>.<signature>`. */
  readonly seal: string;
}

/** An approval that does not count any more, because of who gave it. */
export interface DroppedApproval {
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601: when it was dropped. */
  readonly at: string;
  /** A clause. */
  readonly why: string;
}

/** That an approver has looked at it, sealed. */
export interface Review {
  /** Slack user id. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** Over the above and the request's id. */
  readonly seal: string;
}

/** What came after a person took emergency access: access without an approval has to be reviewed by an approver. */
export interface Emergency {
  readonly review: Review | null;
  /** ISO 8601: when the next reminder of the review comes. */
  readonly remindAt: string;
  readonly reminders: number;
  /**
   * Of a rescue, which is no click in Slack: the ARN that AWS says whoever ran it has. Who they are in Slack they said
   * themselves. Null: not a rescue.
   */
  readonly as: string | null;
}

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
  /** ISO 8601: when it was decided; `Grant.endedAt` says when it was done. */
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
  readonly failure: Because;
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
  readonly written: Written | null;
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
export interface Written {
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

/** One thing that was verified after a write. "Not tested" says why, and is never read as a yes. */
export type ProofFinding =
  | { readonly result: "yes"; readonly detail: string }
  | { readonly result: "no"; readonly detail: string }
  | { readonly result: "not tested"; readonly detail: string };

/** What was verified of a lease, each finding apart, and when (ISO 8601). */
export interface Proof {
  readonly at: string;
  /** The document read back after the write gives the principal its groups. */
  readonly mapped: ProofFinding;
  /** The API server says that this username with these groups may do what the level names. */
  readonly authorized: ProofFinding;
  /** The identity of the review for `authorized`; null: none was sent. */
  readonly reviewedAs: MappedIdentity | null;
  /** The ARN that its access entry has, with the path of a role; null: it is in aws-auth, which has none. */
  readonly entryArn: string | null;
  /** The principal itself signed in and listed pods. */
  readonly signedIn: ProofFinding;
  /** Under which ids the API server's audit log has the questions that `authorized` is of. */
  readonly auditIds: readonly string[];
}

/** What was verified when a lease had ended, each finding apart, and when (ISO 8601). A "no" is what an end is to give. */
export interface EndProof {
  readonly at: string;
  /** Whom the cluster's map, or its access entries, still make of the principal. No: new sign-ins are refused. */
  readonly mapped: ProofFinding;
  /** Whether the API server still authorizes what the level names. */
  readonly authorized: ProofFinding;
  /** The identity that was asked about. */
  readonly reviewedAs: MappedIdentity;
  /** Other leases that still give access, a clause each. */
  readonly others: readonly string[];
  /** Set while the API server is asked again; null: it answered, or is not asked any more. */
  readonly trouble: Trouble | null;
}

/** How often the approvers were reminded of a request, or of a migration, that waits for them, and when they are next. */
export interface Reminders {
  readonly sent: number;
  /** ISO 8601; null: never again. */
  readonly nextAt: string | null;
}

/** What the ledger says of the leases beside a request. */
export interface LeasesNow {
  readonly leases: readonly OtherLease[];
  /** The lease that the request extends is over, or is being ended: there is nothing to extend any more. */
  readonly isExtendedOver: boolean;
}
