import type { Lease, OtherLease } from "../lease/lease-record.ts";
import type { CodedReason, MappedIdentity, Trouble } from "../lease/proof-record.ts";
import type { Way } from "../policy/cluster.ts";
import type { Standing } from "../policy/person.ts";
import type { GroupRight } from "../policy/rights.ts";
import type { TypedFields } from "./typed.ts";

/** What the worker saw in the cluster before the approvers were asked. */
export interface Preview {
  readonly at: string;
  /** Digest of the change, in the button and in the decision. */
  readonly digest: string;
  readonly way: Way;
  /** Unified difference of the document or of the access entry, as text. */
  readonly diff: string;
  /** Who the principal is in the cluster today; null: it can't sign in through aws-auth. */
  readonly today: MappedIdentity | null;
  readonly base: MappedIdentity | null;
  /** The principal's other leases; the digest covers them. */
  readonly leases: readonly OtherLease[];
  readonly afterwards: MappedIdentity;
  /** What role bindings allow the groups; null: unreadable. */
  readonly rights: readonly GroupRight[] | null;
  /** Sentences for the approver, for example that no RBAC binding names a group. */
  readonly warnings: readonly string[];
  /** The worker's, over all fields above and the request's id. */
  readonly seal: string;
}

/** The fields of a request in every state. */
export interface RequestFields extends TypedFields {
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  /** Gets the lease. */
  readonly requester: string;
  /** The person who asked for the requester; null: the requester. */
  readonly askedBy: string | null;
  readonly standing: Standing;
  readonly cluster: string;
  readonly level: string;
  /** ARN as in the document. */
  readonly principal: string;
  /** The level's groups and access policies when the request was made. */
  readonly groups: readonly string[];
  readonly durationSeconds: number;
  readonly createdAt: string;
  /** ISO 8601: after this time no approval is possible. */
  readonly lapsesAt: string;
  /** The id of the request to extend; null: no extension. */
  readonly extends: string | null;
  /** ISO 8601: the end of an extension. Null: the lease counts from the last approval. */
  readonly until: string | null;
  /** Null: the worker has yet to look, for the first time or again. Always null for an emergency. */
  readonly preview: Preview | null;
  /** Set with the preview, when the approvers are asked. */
  readonly reminders: Reminders | null;
  /** The sealed approvals, of different people, oldest first. */
  readonly approvals: readonly Decision[];
  /** Approvals of people who are no longer approvers: they do not count. */
  readonly dropped: readonly DroppedApproval[];
  /** How many approvals it needs, for messages: the worker asks the policy again before it writes. */
  readonly approvalsWanted: number;
  /** Set while something is tried again. */
  readonly trouble: Trouble | null;
  /** Set while the request waits for new approvals, because the earlier ones became void. */
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

/** Cancelled by the requester or the person who asked for them, or not decided in time. */
export type UndecidedRequest = RequestFields & Nothing & { readonly state: "cancelled" | "lapsed" };

/** The policy, the plan or the cluster refused it before an approver decided. */
export type RefusedRequest = RequestFields &
  Omit<Nothing, "refusal"> & { readonly state: "refused"; readonly refusal: CodedReason };

/** One record of the ledger: a person's request, the decisions about it, and its lease. */
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
   * The approver's user groups of the policy, as Slack described them at that moment. The worker can't ask Slack, and decides by this and
   * by `requester`.
   */
  readonly memberships: readonly string[];
  /** The requester's standing at that moment; null: nothing depends on it (emergency access, a migration). */
  readonly requester: Standing | null;
  /** The ARN that the approver's account was linked with at that moment; null: none, or nothing depends on it. */
  readonly linked: string | null;
  /**
   * Of an approval: all approvers who count, this one included. At that moment the Slack process confirmed that each has an active
   * account and is an approver. Empty in a denial and for emergency access.
   */
  readonly stillApprovers: readonly string[];
  /** Signed with the decision key, over all fields above and the request's id: `<key id>.<signature>`. */
  readonly seal: string;
}

export interface DroppedApproval {
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  readonly why: string;
}

export interface Review {
  readonly by: string;
  readonly at: string;
  /** Over the fields above and the request's id. */
  readonly seal: string;
}

/** What follows emergency access: an approver must review it. */
export interface Emergency {
  readonly review: Review | null;
  /** ISO 8601: when the next reminder of the review is due. */
  readonly remindAt: string;
  readonly reminders: number;
  /** Only of a rescue: the ARN of the person who ran it, according to AWS. They gave their Slack id themselves. Null: no rescue. */
  readonly as: string | null;
}

/** The reminders to the approvers of a pending request or migration: how many were sent, and the next one. */
export interface Reminders {
  readonly sent: number;
  /** ISO 8601; null: none. */
  readonly nextAt: string | null;
}
