import type { Lease, OtherLease } from "../lease/lease-record.ts";
import type { CodedReason, MappedIdentity, Trouble } from "../lease/proof-record.ts";
import type { Way } from "../policy/cluster.ts";
import type { Standing } from "../policy/person.ts";
import type { GroupRight } from "../policy/rights.ts";
import type { TypedFields } from "./typed.ts";

/** What the worker saw in the cluster before anybody was asked. */
export interface Preview {
  readonly at: string;
  /** Digest of the change; it goes into the button and into the decision. */
  readonly digest: string;
  readonly way: Way;
  /** Unified difference of the document or of the access entry, as text. */
  readonly diff: string;
  /** Who the principal is in the cluster today; null: it can't sign in through aws-auth. */
  readonly today: MappedIdentity | null;
  readonly base: MappedIdentity | null;
  /** The other leases of the principal; the digest covers them. */
  readonly leases: readonly OtherLease[];
  readonly afterwards: MappedIdentity;
  /** What the groups may do by the cluster's role bindings; null: that could not be read. */
  readonly rights: readonly GroupRight[] | null;
  /** Sentences for the approver, for example that no RBAC binding names a group. */
  readonly warnings: readonly string[];
  /** The worker's, over all of the above and the request's id. */
  readonly seal: string;
}

/** What a request has in every state. */
export interface RequestFields extends TypedFields {
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  readonly requester: string;
  readonly standing: Standing;
  readonly cluster: string;
  readonly level: string;
  /** ARN as it is written into the document. */
  readonly principal: string;
  /** The level's groups and access policies when the request was made. */
  readonly groups: readonly string[];
  readonly durationSeconds: number;
  readonly createdAt: string;
  /** ISO 8601: after this time it can't be approved. */
  readonly lapsesAt: string;
  /** The request that this one extends, or null. */
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
  /** Set while the request waits for new approvals, because the earlier ones stopped counting. */
  readonly voided: { readonly by: readonly string[]; readonly message: string } | null;
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
  Omit<Nothing, "refusal"> & { readonly state: "refused"; readonly refusal: CodedReason };

/** One record of the ledger: what a person asked for, the decisions about it, and the lease that came of it. */
export type AccessRequest = PendingRequest | ApprovedRequest | DeniedRequest | UndecidedRequest | RefusedRequest;

export type RequestState = AccessRequest["state"];

export interface Decision {
  /** `emergency`: the requester's own declaration, in place of approvals. */
  readonly verdict: "approved" | "denied" | "emergency";
  readonly by: string;
  readonly at: string;
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

export interface DroppedApproval {
  readonly by: string;
  /** ISO 8601: when it was dropped. */
  readonly at: string;
  readonly why: string;
}

export interface Review {
  readonly by: string;
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

/** How often the approvers were reminded of a request, or of a migration, that waits for them, and when they are next. */
export interface Reminders {
  readonly sent: number;
  /** ISO 8601; null: never again. */
  readonly nextAt: string | null;
}
