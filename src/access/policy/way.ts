/** How a cluster takes a lease. */
export type Way = "aws-auth" | "access-entry";

export interface WayFacts {
  readonly mode: "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";
  /** What the configuration wants where both would do. */
  readonly preferred: Way;
  readonly hasEntry: boolean;
  /** Whether the principal is somebody in aws-auth, by us or by others. */
  readonly isMapped: boolean;
}

/**
 * How a principal is given something. Where a cluster reads both, an entry goes before aws-auth: whoever has one is given
 * by it. Whoever is mapped without one stays in aws-auth, because a new entry would hide all that stands there for them.
 */
export function wayFor({ mode, preferred, hasEntry, isMapped }: WayFacts): Way {
  if (mode === "CONFIG_MAP") return "aws-auth";
  if (mode === "API" || hasEntry) return "access-entry";
  return isMapped ? "aws-auth" : preferred;
}
