import { type Failure, nextTry } from "../request/retry.ts";
import type { Lease } from "./lease-record.ts";
import type { Trouble } from "./proof-record.ts";

/** Within this time a try notices that an outage is over. */
const maxWaitSeconds = 300;
/** After some two hours the gaps grow: a lease may be permanent, and each try opens the cluster. */
const frequentTries = 30;
const rareWaitSeconds = 3_600;

/** The next review of an active lease. The tries go on until the lease ends. */
export function nextReviewTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble {
  const longest = (trouble?.attempts ?? 0) < frequentTries ? maxWaitSeconds : rareWaitSeconds;
  return nextTry({ trouble }, failure, now, longest);
}

/** Whether the API server has not answered yet about an active lease's rights. */
export function isReviewPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.reviewTrouble !== null;
}

export function isReviewDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.reviewTrouble?.retryAt;
  return isReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** The next review of an ended lease; null: no more tries. */
export function nextEndReviewTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble | null {
  const next = nextTry({ trouble }, failure, now, maxWaitSeconds);
  return next.attempts < maxTries ? next : null;
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

/** Some 35 minutes of tries without a result: a lease may be short, and its proof soon loses its worth. */
export const maxTries = 15;

type SignInState = Pick<Lease, "signInDueAt" | "signInTrouble">;

/** @param isToBeTried false: no sign-in, and the finding is final */
export function awaitSignIn(isToBeTried: boolean, now: Date): SignInState {
  const signInDueAt = isToBeTried ? new Date(now.getTime() + lookAfterMs).toISOString() : null;
  return { signInDueAt, signInTrouble: null };
}

/** The lease after a sign-in without a result; null: no more tries. */
export function nextSignInTry(
  { signInTrouble }: Lease,
  failure: Failure,
  now: Date,
): { readonly signInDueAt: string; readonly signInTrouble: Trouble } | null {
  const trouble = nextTry({ trouble: signInTrouble }, failure, now, maxWaitSeconds);
  return trouble.attempts < maxTries ? { signInDueAt: trouble.retryAt, signInTrouble: trouble } : null;
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
