import { type Failure, nextTry } from "../request/retry.ts";
import type { Lease } from "./lease-record.ts";
import type { Trouble } from "./proof-record.ts";

/** An outage that ends is noticed within this time. */
const longestWaitSeconds = 300;
/** After some two hours of it the gaps grow: a lease may be permanent, and each try opens the cluster. */
const frequentTries = 30;
const rareWaitSeconds = 3_600;

/** The next time to ask the API server what a lease allows. It is asked until the lease ends. */
export function nextReviewTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble {
  const longest = (trouble?.attempts ?? 0) < frequentTries ? longestWaitSeconds : rareWaitSeconds;
  return nextTry({ trouble }, failure, now, longest);
}

/** Whether the API server is still to say what a active lease allows. */
export function isReviewPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.reviewTrouble !== null;
}

/** Whether to ask the API server now, before the next try is due. */
export function isReviewDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.reviewTrouble?.retryAt;
  return isReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** The next time to ask whether a lease that ended is still authorized; null: it was asked often enough. */
export function nextEndReviewTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble | null {
  const next = nextTry({ trouble }, failure, now, longestWaitSeconds);
  return next.attempts < maxTries ? next : null;
}

/** Whether the API server is still to say that a lease that ended is not authorized any more. */
export function isEndReviewPending(lease: Lease | null): boolean {
  return lease?.state === "ended" && lease.endProof?.trouble != null;
}

/** Whether a part of the proof of a active lease is still to come. */
export function isProofPending(lease: Lease | null): boolean {
  return isSignInPending(lease) || isReviewPending(lease);
}

/** After this the sweep tries the sign-in again, in case the process that did so has died. Milliseconds. */
const lookAfterMs = 30_000;

/** So often it is tried where nothing says yes or no, over some 35 minutes: a lease may be short, and its proof is soon of little worth. */
export const maxTries = 15;

type SignInState = Pick<Lease, "signInDueAt" | "signInTrouble">;

/** The lease with its sign-in due. @param isToBeTried false: no sign-in, and the finding is final */
export function awaitSignIn(isToBeTried: boolean, now: Date): SignInState {
  const signInDueAt = isToBeTried ? new Date(now.getTime() + lookAfterMs).toISOString() : null;
  return { signInDueAt, signInTrouble: null };
}

/** The lease after a sign-in without an answer; null: no more tries. */
export function nextSignInTry(
  { signInTrouble }: Lease,
  failure: Failure,
  now: Date,
): { readonly signInDueAt: string; readonly signInTrouble: Trouble } | null {
  const trouble = nextTry({ trouble: signInTrouble }, failure, now, longestWaitSeconds);
  return trouble.attempts < maxTries ? { signInDueAt: trouble.retryAt, signInTrouble: trouble } : null;
}

/** Whether it is still to be seen that the principal of a active lease can sign in. */
export function isSignInPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.signInDueAt !== null;
}

/** Whether the first try still runs: it takes some seconds, and messages that are sent once wait for it. */
export function isFirstSignInRunning(lease: Lease | null): boolean {
  return isSignInPending(lease) && !lease?.signInTrouble;
}

/** Whether the principal of a lease is to sign in now, and not only at its next try. */
export function isSignInDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.signInTrouble?.retryAt;
  return isSignInPending(lease) && (!retryAt || Date.parse(retryAt) <= now.getTime());
}
