import type { Level } from "../policy/cluster.ts";
import { formatDuration, isPermanent } from "./duration.ts";
import type { AccessRequest } from "./record.ts";
import { isClosed } from "./request.ts";

export type ExtensionReading =
  | { readonly type: "extension"; readonly durationSeconds: number }
  | { readonly type: "refused"; readonly message: string };

/**
 * An extension is a request of its own, under the same rule: its lease overlaps with the first one and ends later, by
 * `bySeconds`. It is counted from its own approval, and like any lease is never longer than the level's maximum.
 */
export function readExtension(request: AccessRequest, level: Level, bySeconds: number, now: Date): ExtensionReading {
  const { grant } = request;
  if (grant?.state !== "active" || grant.end) {
    return { type: "refused", message: `${request.id} is not active, so there is nothing to extend. Ask anew.` };
  }
  if (isPermanent(request.durationSeconds)) {
    return { type: "refused", message: `${request.id} is permanent, so there is nothing to extend.` };
  }
  const leftSeconds = Math.max(0, Math.ceil((Date.parse(grant.endsAt) - now.getTime()) / 1000));
  const durationSeconds = leftSeconds + bySeconds;
  if (durationSeconds <= level.maxDurationSeconds) return { type: "extension", durationSeconds };
  const room = level.maxDurationSeconds - leftSeconds;
  const most = room > 0 ? `by at most ${formatDuration(room)} now` : "later, when it is about to end";
  return {
    type: "refused",
    message: `${level.name} can be had for at most ${formatDuration(level.maxDurationSeconds)} at a time: ${request.id} can be extended ${most}.`,
  };
}

/** Whether a lease is over, or being ended: what would extend it has nothing to extend any more. */
export function isLeaseOver(request: AccessRequest, now: Date): boolean {
  const { grant } = request;
  // What is asked for again, because its approval was void, is no lease until it is approved.
  if (!grant) return true;
  return isClosed(request) || grant.end !== null || !(now.getTime() < Date.parse(grant.endsAt));
}

/** What the Extend button asks for: the same time again, as far as the level allows. */
export function usualExtension(request: AccessRequest, level: Level, now: Date): number {
  const endsAt = Date.parse(request.grant?.endsAt ?? request.lapsesAt);
  const leftSeconds = Math.max(0, Math.ceil((endsAt - now.getTime()) / 1000));
  return Math.max(1, Math.min(request.durationSeconds, level.maxDurationSeconds - leftSeconds));
}
