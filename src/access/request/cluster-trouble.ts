import type { Trouble } from "./record.ts";
import { type Failure, nextTry } from "./retry.ts";

/** Longer than this nobody waits to see that a cluster can be worked on again. A minute more would save few calls. */
const longestWaitSeconds = 15 * 60;

/** Why a cluster can't be worked on, and when that is tried again: for all its requests and all workers together. */
export interface ClusterTrouble extends Trouble {
  /** Since when, ISO 8601. */
  readonly since: string;
  /** When it was over, ISO 8601; null: it is not. */
  readonly overAt: string | null;
  /** A digest of the cluster's configuration: what failed with another one may go well with this one. */
  readonly configuration: string;
}

interface Moment {
  readonly now: Date;
  readonly configuration: string;
  /** From 0 to 1, by chance: clusters that failed together are not all tried together again. */
  readonly chance: number;
}

/**
 * What is remembered when a cluster could not be worked on: waits of 1, 2, 4 … seconds, up to 15 minutes, each up to a quarter
 * shorter. What fails before the next try is due, for another request, is no further try.
 */
export function clusterFailed(
  before: ClusterTrouble | null,
  failure: Failure,
  { now, configuration, chance }: Moment,
): ClusterTrouble {
  const known = isKnown(before, configuration) ? before : null;
  const since = known?.since ?? now.toISOString();
  const next = nextTry({ trouble: known }, failure, now, longestWaitSeconds);
  if (known && Date.parse(known.retryAt) > now.getTime()) {
    return { ...next, attempts: known.attempts, retryAt: known.retryAt, since, configuration, overAt: null };
  }
  const waitMs = (Date.parse(next.retryAt) - now.getTime()) * (1 - chance / 4);
  return { ...next, retryAt: new Date(now.getTime() + waitMs).toISOString(), since, configuration, overAt: null };
}

function isKnown(before: ClusterTrouble | null, configuration: string): before is ClusterTrouble {
  return before !== null && before.overAt === null && before.configuration === configuration;
}

/** Whether nobody was told of this cause yet. */
export function hasNewCause(before: ClusterTrouble | null, after: ClusterTrouble): boolean {
  const known = isKnown(before, after.configuration) ? before.causes : [];
  return after.causes.length > known.length;
}

/** Whether a cluster that could not be worked on is to be tried by the clock, before anybody asks for something new. */
export function isClusterDue(trouble: ClusterTrouble, now: Date): boolean {
  return Date.parse(trouble.retryAt) <= now.getTime();
}
