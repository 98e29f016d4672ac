import type { EndProof } from "../proof/end-proof.ts";
import type { Proof } from "../proof/proof.ts";
import type { MappedIdentity, Trouble } from "../request/request.ts";
import type { Written } from "./written.ts";

export type GrantState = "scheduled" | "active" | "ended" | "failed";

/** Why a grant is to end, and who said so. */
export interface GrantEnd {
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

/** The lease that an approved request gives. */
export interface Grant {
  readonly state: GrantState;
  /**
   * ISO 8601. Counted from the sealed decision, so that nobody who can write to Redis can move it and an old
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
   * ISO 8601: when to look whether the principal has signed in, set while that is being tried; null: it is not. Absent in a
   * record of an older program.
   */
  readonly signInDueAt?: string | null;
  /** Set while signing in is tried again, because nothing said yes or no; absent in a record of an older program. */
  readonly signInTrouble?: Trouble | null;
  /** Set while the API server is asked again what the lease allows, because it did not answer; null or absent: it is not. */
  readonly reviewTrouble?: Trouble | null;
  /** What it added to the document; set when it turns active. */
  readonly written: Written | null;
  /** Set while somebody else's change keeps its part out of the document: one clause for people. */
  readonly drift: { readonly at: string; readonly message: string } | null;
  /** ISO 8601: when its coming end is to be told; set when it turns active. */
  readonly warnAt: string | null;
  /** ISO 8601: when the coming end was told; null before. */
  readonly warnedAt: string | null;
  /** Set while an active grant waits to be taken away. */
  readonly end: GrantEnd | null;
  /** ISO 8601: when the entry was seen to be gone. */
  readonly endedAt: string | null;
  /**
   * ISO 8601: since when its approval is known to be void, while something of it may stand in the cluster or come to stand there:
   * nothing is sent for it any more. Absent otherwise.
   */
  readonly voidSince?: string;
  /** Set where the cluster could not remember that it was taken back before its end. */
  readonly isForgotten?: true;
  /** What was verified after the end; null or absent: nothing, as where the cluster is gone. */
  readonly endProof?: EndProof | null;
  /** Who the principal is in aws-auth after the end: what was there without us, or what other grants give. */
  readonly remains: MappedIdentity | null;
  /** One sentence; set in the state `failed` only. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** A grant as an approval makes it. */
export function scheduleGrant(decidedAt: Date, durationSeconds: number): Grant {
  return {
    state: "scheduled",
    endsAt: endOf(decidedAt, durationSeconds),
    writeBegan: null,
    activeSince: null,
    proof: null,
    written: null,
    drift: null,
    warnAt: null,
    warnedAt: null,
    end: null,
    endedAt: null,
    remains: null,
    failure: null,
  };
}

/** When a lease that was decided then is over, ISO 8601. */
export function endOf(decidedAt: Date, durationSeconds: number): string {
  return new Date(decidedAt.getTime() + durationSeconds * 1000).toISOString();
}
