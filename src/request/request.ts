import type { Way } from "../access-entry/way.ts";
import type { Decision, DroppedApproval } from "../approval/decision.ts";
import type { Glass } from "../approval/glass.ts";
import type { Grant } from "../grant/grant.ts";
import type { OtherLease } from "../grant/other-leases.ts";
import { isReviewing, isReviewingEnd } from "../grant/review.ts";
import { isSigningIn } from "../grant/sign-in.ts";
import { noStanding, type Standing } from "../policy/person.ts";
import type { GroupRight } from "../policy/rights.ts";
import type { Reminders } from "./reminder.ts";

/**
 * - `pending`: waits for the worker's preview, then for a decision
 * - `refused`: the policy, the plan or the cluster said no before anybody was asked
 */
export type RequestState = "pending" | "approved" | "denied" | "cancelled" | "lapsed" | "refused";

/** A username and the groups that it brings, as aws-auth gives them. */
export interface MappedIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

/** What the worker saw in the cluster before anybody was asked. */
export interface Preview {
  /** ISO 8601. */
  readonly at: string;
  /** Digest of the change; it goes into the button and into the decision. */
  readonly digest: string;
  /** How the cluster would take it; absent in a record of an older program, which knew aws-auth alone. */
  readonly way?: Way;
  /** Unified difference of the document or of the access entry, as text. */
  readonly diff: string;
  /** Who the principal is in the cluster today; null: it can't sign in through aws-auth. */
  readonly today: MappedIdentity | null;
  /** What is there without us; the digest depends on it. */
  readonly base: MappedIdentity | null;
  /** The other leases of the principal; the digest covers them. */
  readonly leases: readonly OtherLease[];
  /** Who it would be. */
  readonly afterwards: MappedIdentity;
  /** What the groups may do by the cluster's role bindings; null: that could not be read. */
  readonly rights: readonly GroupRight[] | null;
  /** Sentences for the approver, for example that no RBAC binding names a group. */
  readonly warnings: readonly string[];
  /** The worker's, over all of the above and the request's id. */
  readonly seal: string;
}

/** Why something does not go on, in words for people. */
export interface Trouble {
  readonly code: string;
  /** One sentence: what, where and how to mend it. */
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** ISO 8601, when it is tried again. */
  readonly retryAt: string;
  /** A digest of each cause so far, bounded; absent in a record of an older program. */
  readonly causes?: readonly string[];
}

/** What somebody asked for, all that was decided about it, and the grant that came of it: one record of the ledger. */
export interface AccessRequest {
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  readonly state: RequestState;
  /** Slack user id. */
  readonly requester: string;
  /** What Slack said of the requester, for the policy. */
  readonly standing: Standing;
  /** Names of the configuration. */
  readonly cluster: string;
  readonly level: string;
  /** ARN as it is written into the document. */
  readonly principal: string;
  /** The level's groups and access policies when it was asked for. */
  readonly groups: readonly string[];
  readonly durationSeconds: number;
  readonly reason: string;
  /** What of the tracker it belongs to; null: nothing. */
  readonly ticket: string | null;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601: after this nobody can approve it any more. */
  readonly lapsesAt: string;
  /** The request whose grant this one is to follow, or null. */
  readonly extends: string | null;
  readonly preview: Preview | null;
  /** Set with the preview, when the approvers are asked. */
  readonly reminders: Reminders | null;
  /** The sealed approvals, of different people, in the order in which they were given. */
  readonly approvals: readonly Decision[];
  /** Approvals that count no more, because who gave them is no approver any more. */
  readonly dropped: readonly DroppedApproval[];
  /** How many it takes, for showing: what the policy says is looked at again before anything is given. */
  readonly approvalsWanted: number;
  readonly denial: Decision | null;
  /** Set where the glass was broken; null: it was asked for. */
  readonly glass: Glass | null;
  readonly grant: Grant | null;
  /** Set while something is being tried again. */
  readonly trouble: Trouble | null;
  /** Set while approvals that did not hold wait to be given again. */
  readonly voided: { readonly by: readonly string[]; readonly message: string } | null;
  /** Why it was refused; set in the state `refused` only. */
  readonly refusal: { readonly code: string; readonly message: string } | null;
}

export type NewRequest = Pick<
  AccessRequest,
  "id" | "requester" | "cluster" | "level" | "principal" | "groups" | "durationSeconds" | "reason" | "extends"
> &
  Partial<Pick<AccessRequest, "standing" | "ticket">>;

/** A request as it first stands in the ledger. */
export function createRequest(wish: NewRequest, now: Date, lapsesAfterSeconds: number): AccessRequest {
  return {
    standing: noStanding,
    ticket: null,
    ...wish,
    version: 1,
    state: "pending",
    createdAt: now.toISOString(),
    lapsesAt: new Date(now.getTime() + lapsesAfterSeconds * 1000).toISOString(),
    preview: null,
    reminders: null,
    approvals: [],
    dropped: [],
    approvalsWanted: 1,
    denial: null,
    glass: null,
    grant: null,
    trouble: null,
    voided: null,
    refusal: null,
  };
}

/** The next version of a record. */
export function revise(request: AccessRequest, change: Partial<Omit<AccessRequest, "id" | "version">>): AccessRequest {
  return { ...request, ...change, version: request.version + 1 };
}

/** Whether nothing can happen to this request any more. */
export function isClosed(request: AccessRequest): boolean {
  if (request.state === "pending") return false;
  if (request.state !== "approved") return true;
  return request.grant?.state === "ended" || request.grant?.state === "failed";
}

/**
 * When something has to be done about this request next, in milliseconds since the epoch; null: never again.
 * This is the index that the sweep reads, so a wake-up that was lost is made up for.
 */
export function dueAt(request: AccessRequest): number | null {
  const work = isClosed(request) ? null : workDueAt(request);
  const times = [work, proofDueAt(request), reviewDueAt(request)].filter((time) => time !== null);
  return times.length > 0 ? Math.min(...times) : null;
}

/**
 * When to complete the proof of a grant, or of its end, in milliseconds since the epoch; null: nothing of it is to come. Not before the
 * next try of the request itself: its cluster can't be looked at until then.
 */
export function proofDueAt({ grant, trouble }: AccessRequest): number | null {
  const signIn = grant?.signInDueAt && isSigningIn(grant) ? Date.parse(grant.signInDueAt) : null;
  const review = grant?.reviewTrouble && isReviewing(grant) ? Date.parse(grant.reviewTrouble.retryAt) : null;
  const end = grant?.endProof?.trouble && isReviewingEnd(grant) ? Date.parse(grant.endProof.trouble.retryAt) : null;
  const times = [signIn, review, end].filter((time) => time !== null);
  return times.length > 0 ? Math.max(Math.min(...times), trouble ? Date.parse(trouble.retryAt) : 0) : null;
}

/** Access without an approval is told again and again until it is reviewed, also after its end. */
function reviewDueAt({ glass }: AccessRequest): number | null {
  return glass && !glass.review ? Date.parse(glass.remindAt) : null;
}

function workDueAt(request: AccessRequest): number {
  const retryAt = request.trouble ? Date.parse(request.trouble.retryAt) : null;
  if (request.state === "pending") {
    const lapsesAt = Date.parse(request.lapsesAt);
    if (request.preview) {
      // A record of an older program has no such field.
      const { nextAt = null } = request.reminders ?? {};
      return nextAt === null ? lapsesAt : Math.min(Date.parse(nextAt), lapsesAt);
    }
    return Math.min(retryAt ?? Date.parse(request.createdAt), lapsesAt);
  }
  const { grant } = request;
  if (grant?.state !== "active" || grant.end) return retryAt ?? 0;
  if (retryAt !== null) return retryAt;
  const endsAt = Date.parse(grant.endsAt);
  return grant.warnAt && !grant.warnedAt ? Math.min(Date.parse(grant.warnAt), endsAt) : endsAt;
}
