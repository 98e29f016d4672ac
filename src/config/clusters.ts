import type { AccessEntrySettings, Cluster } from "../access/policy/cluster.ts";
import type { Creator, CreatorRole } from "../access/policy/creator.ts";
import type { ConfigFile, WrittenCreator } from "./config-file.ts";
import type { NamedCluster } from "./fleet-file.ts";
import { identityCenterPaths } from "./identity-rules.ts";
import { breakGlassOf, buildLevel, quietReason, rulesOf } from "./policy-rules.ts";
import { ifReadable, inEach, inEachEntry } from "./readable.ts";

/** A cluster without what the policy says of it. */
export type PlacedCluster = Omit<Cluster, "rules" | "breakGlass">;

export interface Proposed {
  readonly places: ReadonlyMap<string, PlacedCluster | null>;
  /** Those without a mistake, also in the policy. */
  readonly clusters: ReadonlyMap<string, Cluster>;
  /** A mistake can leave clusters of the fleet out. */
  readonly hasFleet: boolean;
}

/** What can't be read makes a cluster unknown, but no other one. */
export function clustersIn(file: ConfigFile, named: readonly NamedCluster[]): Proposed {
  const isGone = new Set(named.flatMap(({ name, cluster }) => (cluster.goneSince === null ? [] : name)));
  const levels = new Map(inEachEntry(file.levels, (name, level) => [[name, buildLevel(name, level)] as const]));
  const regions = inEachEntry(file.clusters, (_, { region }) => [region]);
  const ofIdentityCenter = ifReadable(() => identityCenterPaths(file.identities, regions));
  const placed = inEachEntry(file.clusters, (name, cluster): [string, PlacedCluster][] => [
    [
      name,
      {
        ...cluster,
        name,
        creator: creatorOf(cluster.creator),
        operator: cluster.operator && operatorOf(cluster.operator),
        accessEntries: withPaths(cluster.accessEntries, ofIdentityCenter),
        levels: cluster.levels.flatMap((offered) => levels.get(offered) ?? []),
        ticket: { need: cluster.ticket, pattern: cluster.ticketPattern ?? null },
        quiet: quietReason(cluster.quiet),
      },
    ],
  ]);
  const clusters = inEach(placed, ([name, cluster]): [string, Cluster][] => [
    // A quiet cluster keeps its emergency access. A cluster that left the fleet takes nothing.
    [name, { ...cluster, rules: rulesOf(file, name), breakGlass: isGone.has(name) ? null : breakGlassOf(file, name) }],
  ]);
  const written = Object.keys(file.clusters).map((name) => [name, null] as const);
  const [hasFleet = true] = ifReadable(() => [file.fleet !== undefined]);
  return { places: new Map([...written, ...placed]), clusters: new Map(clusters), hasFleet };
}

function creatorOf({ roleArn, userArn, through, externalId, profile }: WrittenCreator): Creator {
  if (roleArn !== undefined) return operatorOf({ roleArn, through, externalId });
  if (userArn !== undefined) return { type: "user", userArn, ...(profile && { profile }) };
  return { type: "discover", through, ...(externalId && { externalId }), ...(profile && { profile }) };
}

function operatorOf({ externalId, ...rest }: OperatorFile): CreatorRole {
  return { type: "role", ...rest, ...(externalId && { externalId }) };
}

type OperatorFile = NonNullable<ConfigFile["clusters"][string]["operator"]>;

function withPaths(written: AccessEntrySettings, more: readonly string[]): AccessEntrySettings {
  return { ...written, rolePaths: [...new Set([...written.rolePaths, ...more])] };
}
