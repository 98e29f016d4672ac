import type { Cluster } from "./cluster.ts";

/** A part of the fleet with its own workers, because only their network reaches it; null: the clusters without a zone. */
export type Zone = string | null;

type Zoned = Pick<Cluster, "zone">;

export function zoneOf(cluster: Zoned | undefined): Zone {
  return cluster?.zone ?? null;
}

export function zonesOf(clusters: Iterable<Zoned>): readonly Zone[] {
  return [...new Set([...clusters].map(zoneOf))];
}

/** The zone for a question about no cluster: the clusters without a zone, if there are any. */
function anyZoneOf(clusters: Iterable<Zoned>): Zone {
  const [first = null, ...others] = zonesOf(clusters);
  return others.includes(null) ? null : first;
}

/** The zone of a cluster, by its name in the present configuration; null: of any cluster. */
export function zoneByName(clusters: () => ReadonlyMap<string, Zoned>): (cluster: string | null) => Zone {
  return (cluster) => (cluster === null ? anyZoneOf(clusters().values()) : zoneOf(clusters().get(cluster)));
}

export function zoneInWords(zone: Zone): string {
  return zone ?? "none";
}

/** How often a worker reports to each of its zones, in milliseconds. */
export const zoneReportEveryMs = 10_000;
/** After this time without a report a zone has no worker: a message comes within the minute. */
const silentMs = 45_000;

/** Whether no worker serves a zone now. @param seenAt the last report; undefined: never */
export function hasNoWorker(seenAt: Date | undefined, now: Date): boolean {
  return seenAt === undefined || now.getTime() - seenAt.getTime() > silentMs;
}
