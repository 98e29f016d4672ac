/**
 * A call that was not answered may still arrive. In most cases a request must reach AWS within five minutes of its time
 * stamp (IAM User Guide, "AWS Signature Version 4 for API requests", reference_aws-signing.html), and an access entry has
 * no version that would refuse a late one.
 */
const signatureMs = 5 * 60_000;

/** A run sends nothing any more that was planned on what it read longer ago. Milliseconds. */
export const planMs = 60_000;

/** How far our clock may be from that of AWS, milliseconds. */
const clocksMs = 60_000;

/** From when a plan was made until nothing of what was sent by it can arrive any more, milliseconds. */
const lateCallMs = planMs + signatureMs + clocksMs;

/** Until when what was sent since then may arrive; null: nothing can any more. */
export function arrivesUntil(since: string | null, now: Date): Date | null {
  if (since === null) return null;
  const until = new Date(Date.parse(since) + lateCallMs);
  return until > now ? until : null;
}
