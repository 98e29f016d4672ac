import { z } from "zod";
import { isRecord } from "../access/collections.ts";
import { clusterNameForm, hasLabels, type WantedLabels } from "../access/policy/cluster.ts";
import type { RoleStep } from "../access/policy/creator.ts";
import { type FleetCluster, isStale, placeOf } from "../access/policy/fleet-list.ts";
import { account, duration, externalId, region, resembling, roleStep, textLike, wantedLabels } from "./forms.ts";
import { type FileSettings, inherit } from "./inherit.ts";
import { ifReadable, inEach, readable } from "./readable.ts";

const rolePattern = textLike(
  /^arn:[a-z-]+:iam::(\d{12}|\{account\}):role\/[\w+=,.@/-]+$/,
  "use a role's ARN, with {account} for the account, for example arn:aws:iam::{account}:role/eks-access-operator",
);
const namePattern = textLike(
  /^([a-z0-9-]|\{(name|account|region)\})*\{name\}([a-z0-9-]|\{(name|account|region)\})*$/,
  'use {name}, and {account} or {region} where names repeat, for example "{name}-{account}"',
);

const templateName = z.string("name a template, or a list of them");
const templateNames = z.array(templateName).min(1, "name at least one template");

/** The form of `fleet` in `eks-access.yml`; docs/configuration.md explains each field. */
export const fleetFile = z.strictObject({
  accounts: z.array(account).min(1, "name at least one account"),
  regions: z.array(region).min(1, "name at least one region"),
  roleArn: rolePattern,
  externalId: externalId.optional(),
  through: z.array(roleStep).default([]),
  clusters: wantedLabels.optional(),
  name: namePattern.default("{name}"),
  templates: z
    .array(
      z.strictObject({
        template: resembling<string | string[]>((value) => (Array.isArray(value) ? templateNames : templateName)),
        clusters: wantedLabels.optional(),
      }),
    )
    .default([]),
  // A cluster takes no requests if the list did not show it for an hour.
  every: duration.refine((seconds) => seconds >= 10 && seconds <= 1800, "use 10s to 30m").default(300),
  tagsCountAfter: duration.default(24 * 3600),
});

type FleetFile = z.output<typeof fleetFile>;

/** Where the worker looks for clusters, and which of them are the fleet. */
export interface Fleet {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  /** The roles to assume for an account, in order. */
  readonly rolesFor: (account: string) => readonly RoleStep[];
  /** Null: every cluster. */
  readonly clusters: WantedLabels | null;
  readonly everySeconds: number;
  readonly tagsCountAfterSeconds: number;
  /** The tags that the configuration looks at. */
  readonly deciding: ReadonlySet<string>;
  /** The names that people type, by the cluster's place. */
  readonly names: ReadonlyMap<string, string>;
  /** Why clusters of the list have no name, each as a sentence. */
  readonly problems: readonly string[];
}

/** @param selectors of the policy */
export function fleetOf(
  file: FleetFile,
  selectors: readonly WantedLabels[],
  names: ReadonlyMap<string, string>,
  problems: readonly string[],
): Fleet {
  const { accounts, regions, roleArn, externalId: id, through, clusters = null, every, tagsCountAfter } = file;
  const wanted = [...selectors, ...file.templates.map((each) => each.clusters ?? {}), clusters ?? {}];
  return {
    ...{ accounts, regions, clusters, names, problems },
    rolesFor: (of) => [...through, { roleArn: roleArn.replace("{account}", of), ...(id && { externalId: id }) }],
    everySeconds: every,
    tagsCountAfterSeconds: tagsCountAfter,
    deciding: new Set(wanted.flatMap((each) => Object.keys(each))),
  };
}

/** A cluster of the fleet with the name that people type, or why it gets none, as a sentence. */
type Naming =
  | { readonly type: "named"; readonly name: string; readonly cluster: FleetCluster }
  | { readonly type: "unnamed"; readonly problem: string };

/** A name belongs to the first cluster that had it: its leases are under that name. @param taken the names in `clusters` */
function nameFleet(pattern: string, clusters: readonly FleetCluster[], taken: ReadonlySet<string>): readonly Naming[] {
  const named = clusters.map((cluster) => ({ cluster, name: nameOf(pattern, cluster) }));
  const firstSeen = new Map<string, readonly FleetCluster[]>();
  for (const { cluster, name } of named) firstSeen.set(name, earliest([...(firstSeen.get(name) ?? []), cluster]));
  return named.map(({ cluster, name }): Naming => {
    const isFirst = firstSeen.get(name)?.length === 1 && firstSeen.get(name)?.[0] === cluster;
    const where = `the EKS cluster ${cluster.eksName} in ${cluster.region} of account ${cluster.account}`;
    const unnamed = (why: string) => ({ type: "unnamed", problem: `fleet: ${where} ${why}` }) as const;
    if (!clusterNameForm.test(name)) {
      return unnamed(`would be ${name}: use at most 63 letters, digits and hyphens. Write it under clusters.`);
    }
    if (taken.has(name) || !isFirst) {
      return unnamed(
        `would be ${name}, as another cluster. Set fleet.name to "{name}-{account}", or write it under clusters.`,
      );
    }
    return { type: "named", name, cluster };
  });
}

function earliest(clusters: readonly FleetCluster[]): readonly FleetCluster[] {
  return clusters.filter(({ since }) => clusters.every((other) => since <= other.since));
}

function nameOf(pattern: string, { eksName, account: of, region: at }: FleetCluster): string {
  const values = { name: eksName, account: of, region: at };
  const filled = pattern.replace(/\{(name|account|region)\}/g, (_, key: keyof typeof values) => values[key]);
  return filled.toLowerCase().replaceAll("_", "-");
}

type KnownFleet = { readonly clusters: readonly FleetCluster[]; readonly now: Date };

export const unknownFleet: KnownFleet = { clusters: [], now: new Date(0) };

export type NamedCluster = Extract<Naming, { readonly type: "named" }>;

/** The fleet's clusters by their names, except those of the file itself: its entry wins. @param value the parsed file, of any form */
export function fleetIn(value: unknown, { clusters }: KnownFleet): readonly Naming[] {
  if (!isRecord(value) || !isRecord(value.fleet) || clusters.length === 0) return [];
  const fleet = readable(fleetFile, value.fleet);
  const written = writtenClusters(value);
  // An entry can take its account and its region from a template or `defaults`.
  const own = new Set(Object.values(writtenClusters(inherit(value, []).file)).map(placeWritten));
  const others = clusters.filter((cluster) => !own.has(placeOf(cluster)));
  return [...ifReadable(() => nameFleet(fleet.name, others, new Set(Object.keys(written))))];
}

function placeWritten(settings: unknown): string | null {
  const { account, region, eksName } = isRecord(settings) ? settings : {};
  return [account, region, eksName].join("/");
}

/** The file with an entry for each of these clusters, which takes the rest from its templates and `defaults`. */
export function withFleet(value: unknown, named: readonly NamedCluster[], now: Date): unknown {
  if (!isRecord(value) || !isRecord(value.fleet)) return value;
  const { clusters = {} } = value;
  const fleet = readable(fleetFile, value.fleet);
  const entries = inEach(named, ({ name, cluster }) => {
    const { account, region, eksName, tags } = cluster;
    const labels = { ...tags, account, region };
    // None: only `defaults`.
    const { template = [] } = fleet.templates.find(({ clusters }) => hasLabels(clusters ?? {}, labels)) ?? {};
    const quiet = whyQuiet(cluster, now);
    return [[name, { account, region, eksName, template, ...(quiet !== null && { quiet }) }] as const];
  });
  return { ...value, clusters: isRecord(clusters) ? { ...clusters, ...Object.fromEntries(entries) } : clusters };
}

/** The file with the clusters' tags as labels. What the operators write wins. */
export function labelled(file: unknown, named: readonly NamedCluster[]): unknown {
  if (!isRecord(file) || named.length === 0) return file;
  const clusters = { ...writtenClusters(file) };
  for (const { name, cluster } of named) {
    const { [name]: settings } = clusters;
    const labels = isRecord(settings) ? (settings.labels ?? {}) : null;
    if (isRecord(settings) && isRecord(labels)) {
      clusters[name] = { ...settings, labels: { ...cluster.tags, ...labels } };
    }
  }
  return { ...file, clusters };
}

function whyQuiet(cluster: FleetCluster, now: Date): string | null {
  if (cluster.goneSince !== null) return "AWS no longer shows it";
  return isStale(cluster, now) ? "AWS has not shown it for an hour" : null;
}

function writtenClusters(value: unknown): FileSettings {
  return isRecord(value) && isRecord(value.clusters) ? value.clusters : {};
}
