import type { Lease } from "./lease-record.ts";

/** Whether the API server has not answered yet about an active lease's rights. */
export function isReviewPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.reviewTrouble !== null;
}

export function isReviewDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.reviewTrouble?.retryAt;
  return isReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** Whether the API server has not answered yet about an ended lease. */
export function isEndReviewPending(lease: Lease | null): boolean {
  return lease?.state === "ended" && lease.endProof?.trouble != null;
}

export function isProofPending(lease: Lease | null): boolean {
  return isSignInPending(lease) || isReviewPending(lease);
}

/** After this time the sweep repeats the sign-in, in case the process died. Milliseconds. */
const lookAfterMs = 30_000;

type SignInState = Pick<Lease, "signInDueAt" | "signInTrouble">;

/** @param isToBeTried false: no sign-in, and the finding is final */
export function awaitSignIn(isToBeTried: boolean, now: Date): SignInState {
  const signInDueAt = isToBeTried ? new Date(now.getTime() + lookAfterMs).toISOString() : null;
  return { signInDueAt, signInTrouble: null };
}

export function isSignInPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.signInDueAt !== null;
}

/** Whether the first try still runs: it takes some seconds, and messages that are sent once wait for it. */
export function isFirstSignInRunning(lease: Lease | null): boolean {
  return isSignInPending(lease) && !lease?.signInTrouble;
}

export function isSignInDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.signInTrouble?.retryAt;
  return isSignInPending(lease) && (!retryAt || Date.parse(retryAt) <= now.getTime());
}
