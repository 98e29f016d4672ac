import {
  type BreakGlass,
  type Cluster,
  type ClusterSelector,
  hasLabels,
  isByName,
  type Labels,
  type Level,
  type Rule,
} from "../access/policy/cluster.ts";
import type { Creator, CreatorRole } from "../access/policy/creator.ts";
import { chosen, policyTexts, roleText } from "../access/policy/policy-text.ts";
import { clusterRule } from "../access/policy/rule.ts";
import type { ConfigFile, WrittenCreator } from "./config-file.ts";
import type { NamedCluster } from "./fleet-file.ts";
import { identityCenterPaths, identityRulesOf } from "./identity-rules.ts";
import { ifReadable, inEach, inEachEntry } from "./readable.ts";

function rulesOf(file: ConfigFile, cluster: string): readonly Rule[] {
  if (!file.policy) return [clusterRule];
  const isFor = isForCluster(file, cluster);
  return file.policy.rules
    .filter(({ clusters }) => isFor(clusters))
    .map(({ name, principals, permanent, selfApproval, maxDuration, ...rule }) => ({
      name,
      who: rule.who ?? null,
      levels: rule.levels ?? null,
      principals: {
        accounts: principals.accounts ?? null,
        arns: principals.arns ?? null,
        // In the rule, because an approval under a rule that asks for less, or others, does not count.
        linkedOnly: principals.linkedOnly && (file.linking.confirm === "administrator" ? "confirmed" : true),
        ...(principals.linkedOnly && sourcesBesideLinks(file)),
      },
      maxDurationSeconds: maxDuration ?? null,
      permanent,
      approvals: rule.approvals ?? null,
      approvers: rule.approvers ?? null,
      selfApproval,
      shared: rule.shared ?? null,
      hours: rule.hours ?? null,
    }));
}

function sourcesBesideLinks(file: ConfigFile): { readonly identities?: string } {
  const { sources } = identityRulesOf(file.identities);
  return sources.every(({ type }) => type === "links") ? {} : { identities: JSON.stringify(sources) };
}

export function isForCluster(
  { clusters }: Pick<ConfigFile, "clusters">,
  name: string,
): (selector: ClusterSelector | undefined) => boolean {
  let labels: Labels | undefined;
  const read = () => {
    labels ??= labelsOf(clusters[name]);
    return labels;
  };
  return (selector) => !selector || (isByName(selector) ? selector.includes(name) : hasLabels(selector, read()));
}

/** The labels of a cluster. Its account and region are always its own. Each is read when a selector asks for it (`readable`). */
function labelsOf(cluster: ConfigFile["clusters"][string] | undefined): Labels {
  if (!cluster) return {};
  const own = Object.getOwnPropertyDescriptors({
    get account() {
      return cluster.account;
    },
    get region() {
      return cluster.region;
    },
  });
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(cluster.labels), ...own }) as Labels;
}

/** Who can take emergency access to a cluster: the first entry that names it. */
function breakGlassOf(file: ConfigFile, cluster: string): BreakGlass | null {
  const isFor = isForCluster(file, cluster);
  const entry = file.policy?.breakGlass.find(({ clusters }) => isFor(clusters));
  return entry ? { who: entry.who, level: entry.level, durationSeconds: entry.for } : null;
}

/** Why a cluster takes no requests; null: it does. */
function quietReason(quiet: boolean | string): string | null {
  if (quiet === false) return null;
  return quiet === true ? "an operator has closed it for now" : quiet;
}

export function givenBy({ groups, policy, namespaces, bind }: ConfigFile["levels"][string]): readonly string[] {
  const policies = policy === undefined ? [] : policyTexts({ name: policy, namespaces: namespaces ?? null });
  return [...groups, ...policies, ...bind.flatMap(roleTexts)];
}

function roleTexts({ clusterRole, role, in: where }: ConfigFile["levels"][string]["bind"][number]): readonly string[] {
  const bound = { kind: clusterRole === undefined ? "Role" : "ClusterRole", name: clusterRole ?? role ?? "" } as const;
  if (where === "all") return [roleText(bound, null)];
  return (where === "choose" ? [chosen] : where).map((namespace) => roleText(bound, namespace));
}

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
  const levels = new Map(
    inEachEntry(file.levels, (name, level): [string, Level][] => [
      [name, { name, groups: givenBy(level), maxDurationSeconds: level.maxDuration, verify: level.verify }],
    ]),
  );
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
        accessEntries: {
          ...cluster.accessEntries,
          rolePaths: [...new Set([...cluster.accessEntries.rolePaths, ...ofIdentityCenter])],
        },
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

function operatorOf({ externalId, ...rest }: NonNullable<ConfigFile["clusters"][string]["operator"]>): CreatorRole {
  return { type: "role", ...rest, ...(externalId && { externalId }) };
}
