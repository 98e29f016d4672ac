import type { AccessRequest, Trouble } from "./request.ts";

const longestWaitSeconds = 60;
/** However long the other side asks us to wait: a lease may end meanwhile. */
const longestAskedMs = 300_000;

/**
 * What goes into the record when something failed that is tried again: waits of 1, 2, 4 … 60 seconds, or what the
 * other side asked for where that is longer.
 */
export function nextTry(
  request: Pick<AccessRequest, "trouble">,
  failure: { code: string; message: string; retryAfterMs?: number | undefined },
  now: Date,
): Trouble {
  const attempts = (request.trouble?.attempts ?? 0) + 1;
  const backoffMs = Math.min(2 ** (attempts - 1), longestWaitSeconds) * 1000;
  // `||`: a header that was no number has become NaN.
  const waitMs = Math.max(backoffMs, Math.min(failure.retryAfterMs || 0, longestAskedMs));
  return {
    code: failure.code,
    message: failure.message,
    at: now.toISOString(),
    attempts,
    retryAt: new Date(now.getTime() + waitMs).toISOString(),
  };
}
