import type { MappedIdentity, Trouble } from "../request/request.ts";
import type { Finding } from "./proof.ts";

/** What was verified when a lease had ended, each finding apart, and when (ISO 8601). A "no" is what an end is to give. */
export interface EndProof {
  readonly at: string;
  /** Whom the cluster's map, or its access entries, still make of the principal. No: new sign-ins are refused. */
  readonly mapped: Finding;
  /** Whether the API server still authorizes what the level names. */
  readonly authorized: Finding;
  /** As whom it was asked. */
  readonly reviewedAs: MappedIdentity;
  /** Other leases that still give access, a clause each. */
  readonly others: readonly string[];
  /** Set while the API server is asked again; null: it answered, or is not asked any more. */
  readonly trouble: Trouble | null;
}
