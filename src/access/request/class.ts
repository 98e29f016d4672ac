import type { AccessRequest, GrantEnd, GrantState, RequestState } from "./record.ts";

/** How a grant stands; one that has ended, by what it ended: the states of the vocabulary. */
export type GrantStanding = Exclude<GrantState, "ended"> | `ended/${GrantEnd["cause"]}`;

/** What a record counts as, for example `pending`, `approved/active` or `approved/ended/revoked`. */
export type RequestClass = RequestState | `${RequestState}/${GrantStanding}`;

const requestStates = ["pending", "approved", "denied", "cancelled", "lapsed", "refused"] as const;
const grantStandings = [
  "scheduled",
  "active",
  "ended/expired",
  "ended/revoked",
  "ended/replayed",
  "ended/cluster-gone",
  "failed",
] as const satisfies readonly GrantStanding[];

/** The class of a record: its state, with that of its grant where it has one. */
export function classOf({ state, grant }: AccessRequest): RequestClass {
  if (!grant) return state;
  return grant.state === "ended" ? `${state}/ended/${grant.end?.cause ?? "expired"}` : `${state}/${grant.state}`;
}

/** How many requests and grants there are in each state; a state in which there is none is told with 0. */
export interface Tally {
  readonly requests: ReadonlyMap<RequestState, number>;
  readonly grants: ReadonlyMap<GrantStanding, number>;
}

/** Adds up what the records count as. */
export function tallyOf(counts: ReadonlyMap<string, number>): Tally {
  const sum = (counted: (name: string) => boolean) =>
    [...counts].reduce((total, [name, count]) => (counted(name) ? total + count : total), 0);
  return {
    requests: new Map(requestStates.map((state) => [state, sum((name) => name.split("/")[0] === state)])),
    grants: new Map(grantStandings.map((each) => [each, sum((name) => name.endsWith(`/${each}`))])),
  };
}
