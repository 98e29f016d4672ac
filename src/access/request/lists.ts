import type { AccessRequest } from "./record.ts";
import { isClosed } from "./request.ts";

/**
 * - `all`: every request, the newest first
 * - `pending`: waits for a decision, the longest waiting first
 * - `granted`: approved and not over, the first to end first
 */
export type ListName = "all" | "pending" | "granted";

/** Where a request stands in a list: milliseconds since the epoch; null: it is not in it. */
export function placeIn(list: ListName, request: AccessRequest): number | null {
  if (list === "granted") {
    const { lease } = request;
    return lease && !isClosed(request) ? Date.parse(lease.endsAt) : null;
  }
  return list === "all" || request.state === "pending" ? Date.parse(request.createdAt) : null;
}
