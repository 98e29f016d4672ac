import { createHash } from "node:crypto";
import { AccessError, explain } from "../failure/access-error.ts";
import type { AccessRequest, Trouble } from "./record.ts";

/** However long the other side asks us to wait: a lease may end meanwhile. */
const longestAskedMs = 300_000;
/** Whoever has read of so many causes learns nothing from one more, and a message may have a number that is always another. */
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
  return { code: known?.code ?? "unexpected", message: explain(error), retryAfterMs: known?.retryAfterMs };
}

/**
 * What goes into the record when something failed that is tried again: waits of 1, 2, 4 … 60 seconds (`longestWaitSeconds`),
 * or what the other side asked for where that is longer.
 */
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

/**
 * Whether an event tells of a try that failed: where its cause is new, and otherwise of the 2nd, 4th, 8th … So the log has what
 * is wrong and shows that it goes on, and a long outage does not fill it. Causes that take turns, as the addresses of one
 * service do in what the network says, are each new once.
 */
export function isToBeTold(before: Trouble | null, after: Trouble): boolean {
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
