import { createHash } from "node:crypto";
import { AccessError, explainFailure } from "../failure/access-error.ts";
import type { Trouble } from "../lease/proof-record.ts";
import type { AccessRequest } from "./record.ts";

/** However long the other side asks us to wait: a lease may end meanwhile. */
const longestAskedMs = 300_000;
/** More causes say nothing new, and a message may hold a number that always changes. */
const mostCauses = 16;

/** Why a try failed, in words for people, and how long the other side asked us to wait. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** ISO 8601: its cluster is not tried before. */
  readonly notBefore?: string | undefined;
}

/** What a record has of whatever was thrown. */
export function failureOf(error: unknown): Failure {
  const known = error instanceof AccessError ? error : null;
  return { code: known?.code ?? "unexpected", message: explainFailure(error), retryAfterMs: known?.retryAfterMs };
}

/** The next try after a failure: 1, 2, 4 … 60 seconds (`longestWaitSeconds`), or longer if the other side asks for it. */
export function nextTry(
  request: Pick<AccessRequest, "trouble">,
  failure: Failure,
  now: Date,
  longestWaitSeconds = 60,
): Trouble {
  const attempts = (request.trouble?.attempts ?? 0) + 1;
  const backoffMs = Math.min(2 ** (attempts - 1), longestWaitSeconds) * 1000;
  // `||`: a header that was no number has become NaN.
  const asked = Math.min(failure.retryAfterMs || 0, longestAskedMs);
  const waitMs = Math.max(backoffMs, asked, Date.parse(failure.notBefore ?? "") - now.getTime() || 0);
  return {
    code: failure.code,
    message: failure.message,
    at: now.toISOString(),
    attempts,
    retryAt: new Date(now.getTime() + waitMs).toISOString(),
    causes: causesWith(request.trouble?.causes ?? [], failure),
  };
}

/** Whether a failed try gets an event: for a new cause, and the 2nd, 4th, 8th … try. So a long outage does not fill the log. */
export function needsEvent(before: Trouble | null, after: Trouble): boolean {
  const isNew = after.causes.length > (before?.causes.length ?? 0);
  return isNew || Number.isInteger(Math.log2(after.attempts));
}

function causesWith(known: readonly string[], { code, message }: Failure): readonly string[] {
  const cause = createHash("sha256")
    .update(JSON.stringify([code, message]))
    .digest("hex")
    .slice(0, 16);
  return known.includes(cause) || known.length >= mostCauses ? known : [...known, cause];
}

/** The longest wait until a cluster that works again is noticed. A minute more would save few calls. */
const longestWaitSeconds = 15 * 60;

/** Why a cluster can't be worked on, and when that is tried again: for all its requests and all workers together. */
export interface ClusterTrouble extends Trouble {
  /** Since when, ISO 8601. */
  readonly since: string;
  /** When it was over, ISO 8601; null: it is not. */
  readonly overAt: string | null;
  /** A digest of the cluster's configuration: what failed with another one may go well with this one. */
  readonly configuration: string;
}

interface Moment {
  readonly now: Date;
  readonly configuration: string;
  /** From 0 to 1, by chance: clusters that failed together are not all tried together again. */
  readonly chance: number;
}

/**
 * The next try of a closed cluster: 1, 2, 4 … seconds, up to 15 minutes, up to a quarter shorter. An early failure counts as
 * none.
 */
export function nextClusterTry(
  before: ClusterTrouble | null,
  failure: Failure,
  { now, configuration, chance }: Moment,
): ClusterTrouble {
  const known = isKnown(before, configuration) ? before : null;
  const since = known?.since ?? now.toISOString();
  const next = nextTry({ trouble: known }, failure, now, longestWaitSeconds);
  if (known && Date.parse(known.retryAt) > now.getTime()) {
    return { ...next, attempts: known.attempts, retryAt: known.retryAt, since, configuration, overAt: null };
  }
  const waitMs = (Date.parse(next.retryAt) - now.getTime()) * (1 - chance / 4);
  return { ...next, retryAt: new Date(now.getTime() + waitMs).toISOString(), since, configuration, overAt: null };
}

function isKnown(before: ClusterTrouble | null, configuration: string): before is ClusterTrouble {
  return before !== null && before.overAt === null && before.configuration === configuration;
}

/** Whether this cause was not reported yet. */
export function hasNewCause(before: ClusterTrouble | null, after: ClusterTrouble): boolean {
  const known = isKnown(before, after.configuration) ? before.causes : [];
  return after.causes.length > known.length;
}

/** Whether the clock retries a closed cluster now, before a new request for it. */
export function isClusterDue(trouble: ClusterTrouble, now: Date): boolean {
  return Date.parse(trouble.retryAt) <= now.getTime();
}
