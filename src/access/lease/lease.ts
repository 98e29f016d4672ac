import type { Holder } from "../principal.ts";
import type { AccessRequest } from "../record.ts";
import type { Lease, LeaseFields, Share } from "./lease-record.ts";

export function scheduleLease(request: Pick<AccessRequest, "durationSeconds" | "until">, decidedAt: Date): Lease {
  return {
    state: "scheduled",
    endsAt: leaseEnd(request, decidedAt),
    writeBegan: null,
    place: null,
    sentAgainAt: null,
    activeSince: null,
    proof: null,
    signInDueAt: null,
    signInTrouble: null,
    reviewTrouble: null,
    written: null,
    drift: null,
    warnAt: null,
    warnedAt: null,
    end: null,
    endedAt: null,
    voidSince: null,
    isForgotten: false,
    endProof: null,
    remains: null,
    failure: null,
  };
}

/** When the lease of a decision ends, ISO 8601. An extension ends at its own time, at most its duration after the decision. */
export function leaseEnd(
  { durationSeconds, until }: Pick<AccessRequest, "durationSeconds" | "until">,
  decidedAt: Date,
): string {
  const counted = endOf(decidedAt, durationSeconds);
  return until === null ? counted : earliest([until, counted]);
}

/** ISO 8601. */
export function earliest(times: readonly string[]): string {
  return isoOf(Math.min(...times.map((time) => Date.parse(time))));
}

export function endOf(decidedAt: Date, durationSeconds: number): string {
  return isoOf(decidedAt.getTime() + durationSeconds * 1000);
}

/** ECMAScript, "Time Values and Time Range". */
const lastMs = 8.64e15;

/** A record in Redis can have any time: an unreadable one is long over, and none keeps the others from their end. */
function isoOf(ms: number): string {
  return new Date(Number.isNaN(ms) ? 0 : Math.min(ms, lastMs)).toISOString();
}

type LeaseIn<State extends Lease["state"]> = Extract<Lease, { readonly state: State }>;

export function activeLease(
  lease: LeaseFields,
  change: Partial<LeaseFields> & { readonly activeSince: string },
): LeaseIn<"active"> {
  return { ...lease, ...change, state: "active", endedAt: null, failure: null };
}

export function endedLease(lease: LeaseFields, endedAt: string, change: Partial<LeaseFields>): LeaseIn<"ended"> {
  return { ...lease, ...change, state: "ended", endedAt, failure: null };
}

export function failedLease(
  lease: LeaseFields,
  failure: LeaseIn<"failed">["failure"],
  change: Partial<LeaseFields>,
): LeaseIn<"failed"> {
  return { ...lease, ...change, state: "failed", endedAt: null, failure };
}

/** Prefix and account separate it from other names, and a session name has no colon: none can imitate another. */
export function usernameFor(principal: Pick<Holder, "account" | "name" | "kind">): string {
  const own = ownUsername(principal);
  return principal.kind === "role" ? `${own}:{{SessionName}}` : own;
}

/** For an entry that only lets people sign in: one for each session, one for all sessions of a leased role, and one for a user of that name. */
export function signInUsernameFor(principal: Pick<Holder, "account" | "name" | "kind">): string {
  const { kind, account, name } = principal;
  // No user's name has a slash.
  if (kind === "role") return ownUsername({ account, name: `role/${name}` });
  return kind === "session" ? `${ownUsername(principal)}:{{SessionNameRaw}}` : ownUsername(principal);
}

function ownUsername({ account, name }: Pick<Holder, "account" | "name">): string {
  return `${ownPrefix}${account}:${name}`;
}

/** The beginning of the username of each entry that we add. */
export const ownPrefix = "eks-access:";

export function isOwnUsername(username: string): boolean {
  return username.startsWith(ownPrefix);
}

/** The share of a lease by bindings in its principal's entry. It has no groups: the entry only lets the person sign in. */
export function signInShare({ id, endsAt }: Pick<Share, "id" | "endsAt">): Share {
  return { id, endsAt, groups: [], level: "", requester: "", emergency: false, approvers: [] };
}

export function isSignInShare({ groups }: Pick<Share, "groups">): boolean {
  return groups.length === 0;
}

/** Whether a worker ends it because a webhook gave more than approved. */
export function isEndedForMore({ end }: Pick<Lease, "end">): boolean {
  return end?.cause === "revoked" && end.by === "worker";
}

/** Whether the API server has not answered yet about an active lease's rights. */
export function isReviewPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.reviewTrouble !== null;
}

export function isReviewDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.reviewTrouble?.retryAt;
  return isReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** Whether the API server has not answered yet about an ended lease. */
export function isEndReviewPending(lease: Lease): boolean {
  return lease.state === "ended" && lease.endProof?.trouble != null;
}

export function isProofPending(lease: Lease): boolean {
  return isSignInPending(lease) || isReviewPending(lease);
}

/** After this time the sweep repeats the sign-in, in case the process died. Milliseconds. */
const lookAfterMs = 30_000;

type SignInState = Pick<Lease, "signInDueAt" | "signInTrouble">;

/** @param isToBeTried false: no sign-in, and the finding is final */
export function awaitSignIn(isToBeTried: boolean, now: Date): SignInState {
  return { signInDueAt: isToBeTried ? new Date(now.getTime() + lookAfterMs).toISOString() : null, signInTrouble: null };
}

export function isSignInPending(lease: Lease | null): boolean {
  return lease?.state === "active" && !lease.end && !lease.drift && lease.signInDueAt !== null;
}

/** Whether the first try still runs: it takes some seconds, and messages that are sent once wait for it. */
export function isFirstSignInRunning(lease: Lease): boolean {
  return isSignInPending(lease) && !lease.signInTrouble;
}

export function isSignInDue(lease: Lease | null, now: Date): boolean {
  const retryAt = lease?.signInTrouble?.retryAt;
  return isSignInPending(lease) && (!retryAt || Date.parse(retryAt) <= now.getTime());
}
