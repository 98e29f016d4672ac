import type { AccessRequest, LeaseEnd, LeaseState, RequestState } from "./record.ts";

/** How a lease stands; one that has ended, by what it ended: the states of the vocabulary. */
export type LeaseStanding = Exclude<LeaseState, "ended"> | `ended/${LeaseEnd["cause"]}`;

/** What a record counts as, for example `pending`, `approved/active` or `approved/ended/revoked`. */
export type RequestClass = RequestState | `${RequestState}/${LeaseStanding}`;

const requestStates = ["pending", "approved", "denied", "cancelled", "lapsed", "refused"] as const;
const leaseStandings = [
  "scheduled",
  "active",
  "ended/expired",
  "ended/revoked",
  "ended/replayed",
  "ended/cluster-gone",
  "failed",
] as const satisfies readonly LeaseStanding[];

/** The class of a record: its state, with that of its lease where it has one. */
export function classOf({ state, lease }: AccessRequest): RequestClass {
  if (!lease) return state;
  return lease.state === "ended" ? `${state}/ended/${lease.end?.cause ?? "expired"}` : `${state}/${lease.state}`;
}

/** How many requests and leases there are in each state; a state in which there is none is told with 0. */
export interface Tally {
  readonly requests: ReadonlyMap<RequestState, number>;
  readonly leases: ReadonlyMap<LeaseStanding, number>;
}

/** Adds up what the records count as. */
export function tallyOf(counts: ReadonlyMap<string, number>): Tally {
  const sum = (counted: (name: string) => boolean) =>
    [...counts].reduce((total, [name, count]) => (counted(name) ? total + count : total), 0);
  return {
    requests: new Map(requestStates.map((state) => [state, sum((name) => name.split("/")[0] === state)])),
    leases: new Map(leaseStandings.map((each) => [each, sum((name) => name.endsWith(`/${each}`))])),
  };
}
