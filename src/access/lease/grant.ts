import type { Grant } from "../request/record.ts";

/** A grant as an approval makes it. */
export function scheduleGrant(decidedAt: Date, durationSeconds: number): Grant {
  return {
    state: "scheduled",
    endsAt: endOf(decidedAt, durationSeconds),
    writeBegan: null,
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

/** When a lease that was decided then is over, ISO 8601. */
export function endOf(decidedAt: Date, durationSeconds: number): string {
  return new Date(decidedAt.getTime() + durationSeconds * 1000).toISOString();
}
