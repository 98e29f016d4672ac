export interface RateLimit {
  perMinute: number;
  burst: number;
}

/**
 * Slack counts each method of each app separately; posting by channel. @see https://docs.slack.dev/apis/web-api/rate-
 * limits
 */
export const rateLimits = {
  "tier 1": { perMinute: 1, burst: 10 },
  "tier 2": { perMinute: 20, burst: 20 },
  "tier 3": { perMinute: 50, burst: 50 },
  "tier 4": { perMinute: 100, burst: 100 },
  /** One message a second in a channel; "short bursts >1 allowed". */
  posting: { perMinute: 60, burst: 10 },
} as const satisfies Record<string, RateLimit>;

/** Counts a call. Undefined: it is allowed; otherwise the seconds to wait. */
export type RateCounter = (key: string, limit: RateLimit) => number | undefined;

/** Token buckets that fill with the clock. */
export function rateCounter(now: () => Date): RateCounter {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (key, limit) => {
    const at = now().getTime();
    const bucket = buckets.get(key) ?? { tokens: limit.burst, at };
    const perMillisecond = limit.perMinute / 60_000;
    const tokens = Math.min(limit.burst, bucket.tokens + (at - bucket.at) * perMillisecond);
    // Fractions of a token don't add up exactly.
    if (tokens < 1 - 1e-9) {
      buckets.set(key, { tokens, at });
      return Math.ceil((1 - tokens) / perMillisecond / 1_000);
    }
    buckets.set(key, { tokens: tokens - 1, at });
    return undefined;
  };
}
