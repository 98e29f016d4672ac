/** A username and the groups that it brings, as aws-auth gives them. */
export interface MappedIdentity {
  readonly username: string;
  readonly groups: readonly string[];
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

/** A code for programs and a sentence for people. */
export interface CodedReason {
  readonly code: string;
  readonly message: string;
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
