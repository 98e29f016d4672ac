import type { Lease, Trouble } from "../request/record.ts";
import { type Failure, nextTry } from "../request/retry.ts";
import { isSigningIn, mostTries } from "./sign-in.ts";

/** An outage that ends is noticed within this time. */
const longestWaitSeconds = 300;
/** After some two hours of it the gaps grow: a lease may be permanent, and each try opens the cluster. */
const frequentTries = 30;
const rareWaitSeconds = 3_600;

/** The next time to ask the API server what a lease allows. It is asked until the lease ends. */
export function reviewAgain(trouble: Trouble | null, failure: Failure, now: Date): Trouble {
  const longest = (trouble?.attempts ?? 0) < frequentTries ? longestWaitSeconds : rareWaitSeconds;
  return nextTry({ trouble }, failure, now, longest);
}

/** Whether the API server is still to say what a active lease allows. */
export function isReviewing(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.reviewTrouble !== null;
}

/** Whether the API server is to be asked now, and not only at the next try. */
export function isToReview(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.reviewTrouble?.retryAt;
  return isReviewing(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** The next time to ask whether a lease that ended is still authorized; null: it was asked often enough. */
export function reviewEndAgain(trouble: Trouble | null, failure: Failure, now: Date): Trouble | null {
  const next = nextTry({ trouble }, failure, now, longestWaitSeconds);
  return next.attempts < mostTries ? next : null;
}

/** Whether the API server is still to say that a lease that ended is not authorized any more. */
export function isReviewingEnd(lease: Lease | null): boolean {
  return lease?.state === "ended" && lease.endProof?.trouble != null;
}

/** Whether a part of the proof of a active lease is still to come. */
export function isProving(lease: Lease | null): boolean {
  return isSigningIn(lease) || isReviewing(lease);
}
