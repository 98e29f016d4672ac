import type { Grant } from "./grant.ts";

/** After this somebody looks whether signing in was tried to its end, should the process that does so have died. Milliseconds. */
const lookAfterMs = 30_000;

/** What goes into a grant whose principal is to sign in. @param isToBeTried otherwise it is not, and its finding stands */
export function awaitSignIn(isToBeTried: boolean, now: Date): Pick<Grant, "signInDueAt"> {
  return { signInDueAt: isToBeTried ? new Date(now.getTime() + lookAfterMs).toISOString() : null };
}

/** Whether it is still to be seen that the principal of a grant in force can sign in. */
export function isSigningIn(grant: Grant | null): boolean {
  return grant?.state === "active" && !grant.end && !grant.drift && grant.signInDueAt != null;
}
