import { type FleetCluster, isStale, placeOf } from "../access/policy/fleet-list.ts";
import type { Labels } from "../access/policy/selector.ts";
import { fleetFile, type Naming, nameFleet, templatesFor } from "./fleet-file.ts";
import { inherit } from "./inherit.ts";

/** What workers know of the fleet, and the time at which it is read. */
export interface KnownFleet {
  readonly clusters: readonly FleetCluster[];
  readonly now: Date;
}

export const unknownFleet: KnownFleet = { clusters: [], now: new Date(0) };

export type NamedCluster = Extract<Naming, { readonly type: "named" }>;

type Settings = Readonly<Record<string, unknown>>;

/**
 * The clusters of the fleet by their names, except those of the file itself: its entry wins.
 * @param value the parsed file, of any form
 */
export function fleetIn(value: unknown, { clusters }: KnownFleet): readonly Naming[] {
  const fleet = fleetFile.safeParse(isSettings(value) ? value.fleet : undefined);
  if (!fleet.success || clusters.length === 0) return [];
  const written = writtenClusters(value);
  // An entry can take its account and its region from a template or `defaults`.
  const own = new Set(Object.values(writtenClusters(inherit(value).file)).map(placeWritten));
  const others = clusters.filter((cluster) => !own.has(placeOf(cluster)));
  return nameFleet(fleet.data.name, others, new Set(Object.keys(written)));
}

function placeWritten(settings: unknown): string | null {
  const { account, region, eksName } = isSettings(settings) ? settings : {};
  return [account, region, eksName].join("/");
}

/** The file with an entry for each of these clusters, which takes the rest from its templates and `defaults`. */
export function withFleet(value: unknown, named: readonly NamedCluster[], now: Date): unknown {
  if (!isSettings(value) || !isSettings(value.fleet)) return value;
  const fleet = fleetFile.safeParse(value.fleet);
  if (!fleet.success) return { ...value, clusters: value.clusters ?? {} };
  const entries = named.map(({ name, cluster }) => {
    const { account, region, eksName, tags } = cluster;
    const template = templatesFor(fleet.data, { ...tags, account, region });
    const quiet = whyQuiet(cluster, now);
    return [name, { account, region, eksName, template, ...(quiet !== null && { quiet }) }] as const;
  });
  return { ...value, clusters: { ...writtenClusters(value), ...Object.fromEntries(entries) } };
}

/** The cluster with its tags as labels. What the operators write wins. */
export function labelled<Cluster extends { readonly labels: Labels }>(cluster: Cluster, tags: Labels): Cluster {
  return { ...cluster, labels: { ...tags, ...cluster.labels } };
}

function whyQuiet(cluster: FleetCluster, now: Date): string | null {
  if (cluster.goneSince !== null) return "AWS does not show it in the fleet any more";
  return isStale(cluster, now) ? "AWS has not shown it for an hour" : null;
}

function writtenClusters(value: unknown): Settings {
  return isSettings(value) && isSettings(value.clusters) ? value.clusters : {};
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
