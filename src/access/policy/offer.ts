import type { Cluster, Level } from "./cluster.ts";
import type { Person } from "./person.ts";
import { ruleFor } from "./rule.ts";

/** A level with the longest time for which somebody can have it, and whether they can have it for good. */
export interface OfferedLevel extends Level {
  readonly permanent: boolean;
}

/**
 * The levels of a cluster that somebody may ask for now. The principal and the hours are looked at when it is asked.
 */
export function levelsOffered(cluster: Cluster, person: Person): readonly OfferedLevel[] {
  if (cluster.quiet !== null) return [];
  return cluster.levels.flatMap((level) => {
    const rule = ruleFor(cluster, level.name, person);
    if (!rule) return [];
    const longest = Math.min(level.maxDurationSeconds, rule.maxDurationSeconds ?? Number.POSITIVE_INFINITY);
    return [{ ...level, maxDurationSeconds: longest, permanent: rule.permanent }];
  });
}
