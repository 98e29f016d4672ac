/** A username and its groups, as aws-auth gives them. */
export interface MappedIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Why something failed, in words for people, and when the next try is. */
export interface Trouble {
  readonly code: string;
  /** One sentence: what, where and how to fix it. */
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
  /** The number of tries so far. */
  readonly attempts: number;
  /** ISO 8601: the next try. */
  readonly retryAt: string;
  /** A digest of each cause so far, bounded. */
  readonly causes: readonly string[];
}

/** A code for programs and a sentence for people. */
export interface CodedReason {
  readonly code: string;
  readonly message: string;
}

/** One thing that was verified. `not tested` says why, and never counts as a yes. */
export type ProofFinding =
  | { readonly result: "yes"; readonly detail: string }
  | { readonly result: "no"; readonly detail: string }
  | { readonly result: "not tested"; readonly detail: string };

/** What was verified of a lease after a write, and when (ISO 8601). */
export interface Proof {
  readonly at: string;
  /** The document, read back after the write, gives the principal its groups. */
  readonly mapped: ProofFinding;
  /** The API server allows this username with these groups what the level names. */
  readonly authorized: ProofFinding;
  /** The identity of the review for `authorized`; null: none was sent. */
  readonly reviewedAs: MappedIdentity | null;
  /** The ARN of its access entry, with the path of a role; null: it is in aws-auth, which has no paths. */
  readonly entryArn: string | null;
  /** The principal itself signed in and listed pods. */
  readonly signedIn: ProofFinding;
  /** The ids of the reviews for `authorized` in the API server's audit log. */
  readonly auditIds: readonly string[];
}

/** What was verified after a lease ended, and when (ISO 8601). A "no" is the wanted result. */
export interface EndProof {
  readonly at: string;
  /** Whether the cluster's map or its access entries still map the principal. No: new sign-ins are refused. */
  readonly mapped: ProofFinding;
  /** Whether the API server still authorizes what the level names. */
  readonly authorized: ProofFinding;
  readonly reviewedAs: MappedIdentity;
  /** Other leases that still give access, a clause each. */
  readonly others: readonly string[];
  /** Set while the API server is asked again; null: it answered, or the tries are over. */
  readonly trouble: Trouble | null;
}
