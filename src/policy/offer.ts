import type { Cluster, Level } from "./cluster.ts";
import type { Person } from "./person.ts";
import { ruleFor } from "./rule.ts";

/**
 * The levels of a cluster that somebody may ask for now, each with the longest time that they can have it. The principal
 * and the hours are looked at when it is asked.
 */
export function levelsOffered(cluster: Cluster, person: Person): readonly Level[] {
  if (cluster.quiet !== null) return [];
  return cluster.levels.flatMap((level) => {
    const rule = ruleFor(cluster, level.name, person);
    if (!rule) return [];
    const longest = Math.min(level.maxDurationSeconds, rule.maxDurationSeconds ?? Number.POSITIVE_INFINITY);
    return [{ ...level, maxDurationSeconds: longest }];
  });
}
