import { hash } from "node:crypto";
import { z } from "zod";
import { AccessError, explainFailure, type FailureCode, isBlocking, isRepairable } from "./access-error.ts";
import { type Immutable, type Trouble, textForm, timeForm, troubleForm } from "./lease/lease-record.ts";
import { shouldBeGoneAt } from "./lists.ts";
import type { AccessRequest } from "./record.ts";
import { isDatedAhead } from "./seals.ts";

/** The longest wait of our own, and how long an outage lasts before operators hear of it. */
const maxWaitMs = 60_000;
/** The longest wait that the other side can ask for: a lease can end meanwhile. */
const maxAskedMs = 300_000;
/** More causes add nothing, and a message can have a number that always changes. */
const maxCauses = 16;

/** The longest wait until we notice that a cluster works again: a longer one would save few calls. */
const maxClosedSeconds = 15 * 60;

/** Why a try failed, in words for people, and how long the other side asked us to wait. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** Its cluster's next try comes no earlier. */
  readonly notBefore?: string | undefined;
}

export function failureOf(error: unknown): Failure {
  const known = error instanceof AccessError ? error : null;
  return { code: known?.code ?? "unexpected", message: explainFailure(error), retryAfterMs: known?.retryAfterMs };
}

/** Whether only an operator's repair helps, of the worker's rights or of a broken aws-auth, and no other request. @param code any text */
export function waitsForRepair(code: string): boolean {
  return isBlocking(code) || isRepairable(code);
}

/** Whether nothing fails: the access is gone, and a call that a worker sent before can still give it again. @param code any text */
export function waitsForLateCall(code: string): boolean {
  return code === "access-entry-late" || code === "binding-late";
}

const outages: readonly string[] = [
  "cluster-unreachable",
  "cluster-unauthorized",
  "cluster-throttled",
  "cluster-unexpected",
  "cluster-not-active",
  "cluster-token-too-large",
  // Only operators find the other writer, or the webhook.
  "cluster-conflict",
  "access-entry-conflict",
] satisfies readonly FailureCode[];

/** Whether a failure is the cluster's or AWS's, not the request's. Only operators need its cause. @param code any text */
export function isClusterFailure(code: string): boolean {
  return code.startsWith("aws-") || outages.includes(code) || waitsForRepair(code);
}

/** Whether the last try to remove access whose time is over failed. Only operators need its cause. */
export function isEndFailing(request: AccessRequest): request is AccessRequest & { readonly trouble: Trouble } {
  const { trouble } = request;
  const goneAt = shouldBeGoneAt(request);
  return trouble !== null && !waitsForLateCall(trouble.code) && goneAt !== null && goneAt <= Date.parse(trouble.at);
}

/** Whether operators hear of it: what only they can repair, and what lasts. */
export function isForOperators(trouble: Trouble): boolean {
  return waitsForRepair(trouble.code) || isLasting(trouble);
}

/** Whether it failed for a minute, or the other side asks for a longer wait: the gaps between tries have grown. */
export function isLasting({ at, retryAt }: Pick<Trouble, "at" | "retryAt">): boolean {
  return Date.parse(retryAt) - Date.parse(at) >= maxWaitMs;
}

/** After 1, 2, 4 … seconds, up to a minute, or `maxWaitSeconds`, or longer if the other side asks for it. */
export function nextTry(
  request: Pick<AccessRequest, "trouble">,
  failure: Failure,
  now: Date,
  maxWaitSeconds = waitsForRepair(failure.code) ? maxClosedSeconds : maxWaitMs / 1000,
): Trouble {
  const attempts = (request.trouble?.attempts ?? 0) + 1;
  const backoffMs = Math.min(2 ** (attempts - 1), maxWaitSeconds) * 1000;
  // `||`, because an unreadable header became NaN.
  const asked = Math.min(failure.retryAfterMs || 0, maxAskedMs);
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

/** Also of an end that waits for a repair: a person has access until it is gone. */
export function nextEndTry(request: Pick<AccessRequest, "trouble">, failure: Failure, now: Date): Trouble {
  return nextTry(request, failure, now, maxWaitMs / 1000);
}

/** Whether a failed try gets an event: for a new cause, and for the 2nd, 4th, 8th … try. So a long outage does not fill the log. */
export function needsEvent(before: Trouble | null, after: Trouble): boolean {
  const isNew = after.causes.length > (before?.causes.length ?? 0);
  return isNew || Number.isInteger(Math.log2(after.attempts));
}

function causesWith(known: readonly string[], { code, message }: Failure): readonly string[] {
  const cause = hash("sha256", JSON.stringify([code, message])).slice(0, 16);
  return known.includes(cause) || known.length >= maxCauses ? known : [...known, cause];
}

/** Within this time a try notices that an outage is over. */
const maxProofWaitSeconds = 300;
/** After some two hours the gaps grow: a lease may be permanent, and each try opens the cluster. */
const frequentTries = 30;
const rareWaitSeconds = 3_600;
/** Some 35 minutes of tries without a result: a lease may be short, and its proof soon loses its worth. */
export const maxTries = 15;

/** The next review of an active lease. The tries go on until the lease ends. */
export function nextReviewTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble {
  const longest = (trouble?.attempts ?? 0) < frequentTries ? maxProofWaitSeconds : rareWaitSeconds;
  return nextTry({ trouble }, failure, now, longest);
}

/** The next sign-in of a lease, or review of an ended one; null: no more tries. */
export function nextProofTry(trouble: Trouble | null, failure: Failure, now: Date): Trouble | null {
  const next = nextTry({ trouble }, failure, now, maxProofWaitSeconds);
  return next.attempts < maxTries ? next : null;
}

/** Why a cluster can't be opened, and the next try: one for all its requests and all workers. */
export type ClusterTrouble = Immutable<z.output<typeof clusterTroubleForm>>;
export const clusterTroubleForm = troubleForm.extend({
  /** The first failure. */
  since: timeForm,
  /** When it was over; null: it is not. */
  overAt: timeForm.nullable(),
  /** A digest of the cluster's configuration: a new one can work. */
  configuration: textForm,
});

/** Since when requests for a cluster wait, and the first of them. Only words for people: nothing seals it. */
export type Outage = Immutable<z.output<typeof outageForm>>;
export const outageForm = z.strictObject({ since: timeForm, request: textForm });

interface Moment {
  readonly now: Date;
  readonly configuration: string;
  /** From 0 to 1, random: clusters that failed together retry at different times. */
  readonly chance: number;
}

/** After 1, 2, 4 … seconds, up to 15 minutes, and up to a quarter less. A failure before it is due does not count. */
export function nextClusterTry(
  before: ClusterTrouble | null,
  failure: Failure,
  { now, configuration, chance }: Moment,
): ClusterTrouble {
  const known = isKnown(before, configuration) && !isDatedAhead(before, now) ? before : null;
  const since = known?.since ?? now.toISOString();
  const next = nextTry({ trouble: known }, failure, now, maxClosedSeconds);
  if (known && !isClusterDue(known, now)) {
    return { ...next, attempts: known.attempts, retryAt: known.retryAt, since, configuration, overAt: null };
  }
  const waitMs = (Date.parse(next.retryAt) - now.getTime()) * (1 - chance / 4);
  return { ...next, retryAt: new Date(now.getTime() + waitMs).toISOString(), since, configuration, overAt: null };
}

function isKnown(before: ClusterTrouble | null, configuration: string): before is ClusterTrouble {
  return before !== null && before.overAt === null && before.configuration === configuration;
}

export function hasNewCause(before: ClusterTrouble | null, after: ClusterTrouble): boolean {
  const known = isKnown(before, after.configuration) ? before.causes : [];
  return after.causes.length > known.length;
}

/**
 * Whether the clock retries a closed cluster now, even without a new request. No try of ours is later than twice the longest wait: an
 * attacker with Redis could keep every worker from the cluster's own memory of its leases. A clock that was ahead delays none either.
 */
export function isClusterDue({ at, retryAt }: ClusterTrouble, now: Date): boolean {
  const waitMs = Date.parse(retryAt) - now.getTime();
  return waitMs <= 0 || waitMs > 2 * maxClosedSeconds * 1000 || isDatedAhead({ at }, now);
}
