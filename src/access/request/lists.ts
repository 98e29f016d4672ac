import type { LeaseEnd, LeaseState } from "../lease/lease-record.ts";
import { isPermanent } from "./extension.ts";
import type { AccessRequest, RequestState } from "./record.ts";
import { dueAt, isClosed } from "./request.ts";

/**
 * - `all`: every request, the newest first
 * - `pending`: waits for a decision, the longest waiting first
 * - `granted`: approved and not over, the first to end first
 */
export type ListName = "all" | "pending" | "granted";

/** A request's place in a list: milliseconds since the epoch; null: not in it. */
export function positionInList(list: ListName, request: AccessRequest): number | null {
  if (list === "granted") {
    const { lease } = request;
    return lease && !isClosed(request) ? Date.parse(lease.endsAt) : null;
  }
  return list === "all" || request.state === "pending" ? Date.parse(request.createdAt) : null;
}

/** How a lease stands; one that has ended, by what it ended: the states of the vocabulary. */
export type LeaseClass = Exclude<LeaseState, "ended"> | `ended/${LeaseEnd["cause"]}`;

/** What a record counts as, for example `pending`, `approved/active` or `approved/ended/revoked`. */
export type RequestClass = RequestState | `${RequestState}/${LeaseClass}`;

const requestStates = ["pending", "approved", "denied", "cancelled", "lapsed", "refused"] as const;
const leaseStandings = [
  "scheduled",
  "active",
  "ended/expired",
  "ended/revoked",
  "ended/replayed",
  "ended/cluster-gone",
  "failed",
] as const satisfies readonly LeaseClass[];

/** The class of a record: its state, with that of its lease where it has one. */
export function classOf({ state, lease }: AccessRequest): RequestClass {
  if (!lease) return state;
  return lease.state === "ended" ? `${state}/ended/${lease.end?.cause ?? "expired"}` : `${state}/${lease.state}`;
}

/** How many requests and leases there are in each state; a state without any counts 0. */
export interface StateCounts {
  readonly requests: ReadonlyMap<RequestState, number>;
  readonly leases: ReadonlyMap<LeaseClass, number>;
}

/** Adds up what the records count as. */
export function countStates(counts: ReadonlyMap<string, number>): StateCounts {
  const sum = (counted: (name: string) => boolean) =>
    [...counts].reduce((total, [name, count]) => (counted(name) ? total + count : total), 0);
  return {
    requests: new Map(requestStates.map((state) => [state, sum((name) => name.split("/")[0] === state)])),
    leases: new Map(leaseStandings.map((each) => [each, sum((name) => name.endsWith(`/${each}`))])),
  };
}

/**
 * Since when nothing can come of a closed record, in milliseconds since the epoch; null: it is open, or something is still due about it.
 *
 * It is not when the record closed. A lease that was revoked counts until its sealed end: before that a backup of the cluster, or an older
 * version of the record that a person writes back, may still speak for it, and the record is what says that it is over. Of a permanent
 * lease that would be a hundred years: its id says so instead.
 */
export function closedSince(request: AccessRequest): number | null {
  if (!isClosed(request) || dueAt(request) !== null) return null;
  const { state, lapsesAt, approvals, durationSeconds, lease, emergency } = request;
  const isBounded = !keepsIdAfterRemoval(request);
  const decided = state === "approved" && isBounded ? approvals : [];
  const times = [isBounded ? lease?.endsAt : null, lease?.endedAt, emergency?.review?.at];
  const since = Math.max(
    Date.parse(lapsesAt),
    ...decided.map(({ at }) => Date.parse(at) + durationSeconds * 1000),
    ...times.flatMap((time) => (time ? [Date.parse(time)] : [])),
  );
  // A time that can't be read says nothing about an end.
  return Number.isFinite(since) ? since : null;
}

/** Whether the ledger keeps its id after its record is removed: a backup of the cluster can speak for a permanent lease for ever. */
export function keepsIdAfterRemoval({ state, durationSeconds }: AccessRequest): boolean {
  return state === "approved" && isPermanent(durationSeconds);
}
