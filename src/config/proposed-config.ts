import { type AuthenticationMode, environmentName, type Labels, productionValue } from "../access/policy/cluster.ts";
import type { FleetPlace } from "../access/policy/fleet-list.ts";

export interface SurveyedCluster extends FleetPlace {
  readonly tags: Labels;
  readonly mode: AuthenticationMode;
  /** Whether its API server can be reached from outside its network. */
  readonly isPublic: boolean;
  readonly creator: SurveyedCreator;
  readonly map: SurveyedMap;
}

export type SurveyedCreator =
  | { readonly type: "role" | "user"; readonly arn: string }
  /** `why`: a clause for people. */
  | { readonly type: "unknown"; readonly why: string };

export type SurveyedMap =
  /** By its word for people: `Terraform`. */
  | { readonly type: "owned"; readonly by: string }
  /** No tool that we know wrote it last; or the cluster has none, or does not read it. */
  | { readonly type: "free" | "absent" | "unused" }
  | { readonly type: "unknown"; readonly why: string };

export interface ProposalOptions {
  readonly partition: string;
  readonly operatorRole: string;
  readonly externalId: string;
  readonly channel: string;
  readonly approvers: readonly string[];
}

/** The tag that makes a cluster a part of the fleet, if people use it. */
const joining = ["eks-access", "yes"] as const;

/** The clusters of the fleet: those with the tag of the docs, or all if none has it. */
export function chosenClusters(found: readonly SurveyedCluster[]): readonly SurveyedCluster[] {
  const [key, value] = joining;
  const tagged = found.filter(({ tags }) => tags[key] === value);
  return tagged.length > 0 ? tagged : found;
}

/** The common creator of all clusters, as a role with `{account}`; null: there is none, or it is unknown. */
export function commonCreator(clusters: readonly SurveyedCluster[]): string | null {
  const known = clusters.flatMap(({ creator, account }) => (creator.type === "unknown" ? [] : { creator, account }));
  const patterns = known.map(({ creator, account }) =>
    creator.type === "role" ? creator.arn.replace(`::${account}:`, "::{account}:") : "",
  );
  const [only = "", ...others] = new Set(patterns);
  return others.length === 0 && only.includes("{account}") ? only : null;
}

/** Its length does not grow with the clusters. One without a development tag counts as production. */
export function proposedConfig(clusters: readonly SurveyedCluster[], options: ProposalOptions): string {
  const { partition, operatorRole, externalId, channel, approvers } = options;
  const accounts = distinct(clusters.map(({ account }) => account));
  const role = `arn:${partition}:iam::{account}:role/${operatorRole}`;
  const creator = commonCreator(clusters);
  const environments = environmentsIn(clusters);
  const name = nameFor(clusters);
  const isTagged = clusters.every(({ tags }) => tags[joining[0]] === joining[1]);
  return [
    "# Written by eks-access init. Every setting: docs/configuration.md.",
    "defaults:",
    `  operator: { roleArn: "${role}", externalId: ${externalId} }`,
    ...(creator ? [`  creator: { roleArn: "${creator}", externalId: ${externalId} }`] : []),
    `  channel: ${channel}`,
    `  approvers: [${approvers.join(", ")}]`,
    "  levels: [viewer]",
    ...templatesOf(environments),
    "fleet:",
    "  accounts:",
    "    [",
    ...rows(accounts.map((each) => `"${each}"`)),
    "    ]",
    `  regions: [${distinct(clusters.map(({ region }) => region)).join(", ")}]`,
    `  roleArn: ${role}`,
    `  externalId: ${externalId}`,
    ...(isTagged ? [`  clusters: { ${joining[0]}: "${joining[1]}" }`] : []),
    ...(name === "{name}" ? [] : [`  name: "${name}"`]),
    ...lineOf(environments),
    `operators: { channel: ${channel} }`,
    "levels:",
    "  viewer: { bind: [{ clusterRole: view, in: all }], maxDuration: 8h, verify: [{ verb: list, resource: pods }] }",
    "  editor: { bind: [{ clusterRole: edit, in: choose }], maxDuration: 4h }",
    ...rulesOf(environments),
    "",
  ].join("\n");
}

interface Environments {
  readonly key: string;
  readonly production: readonly string[];
  readonly development: readonly string[];
}

const developmentForm =
  /^(dev|develop|development|test|testing|qa|int|integration|staging|stage|sandbox|demo|preview)$/i;

/** The tag that names production on most clusters; null: none. */
function environmentsIn(clusters: readonly SurveyedCluster[]): Environments | null {
  const keys = distinct(clusters.flatMap(({ tags }) => Object.keys(tags).filter((key) => environmentName.test(key))));
  const found = keys.map((key) => {
    const values = clusters.flatMap(({ tags }) => tags[key] ?? []);
    const like = (form: RegExp) => values.filter((value) => form.test(value));
    const [production, development] = [like(productionValue), like(developmentForm)];
    const count = production.length + development.length;
    return { key, count, production: distinct(production), development: distinct(development) };
  });
  const [best] = found
    .filter(({ production }) => production.length > 0)
    .toSorted((one, other) => other.count - one.count);
  return best ?? null;
}

function templatesOf(environments: Environments | null): readonly string[] {
  if (!environments) return [];
  const development = environments.development.length > 0 ? ["  development: { levels: [viewer, editor] }"] : [];
  return ["templates:", "  production: { levels: [viewer] }", ...development];
}

function lineOf(environments: Environments | null): readonly string[] {
  if (!environments) return [];
  const line = (values: readonly string[], template: string) =>
    values.length > 0 ? [`    - { clusters: ${selectorOf(environments.key, values)}, template: ${template} }`] : [];
  const { production, development } = environments;
  return ["  templates:", ...line(production, "production"), ...line(development, "development")];
}

function rulesOf(environments: Environments | null): readonly string[] {
  if (!environments) return [];
  const { key, development } = environments;
  const one = `    - { name: development takes one approval, clusters: ${selectorOf(key, development)}, approvals: 1 }`;
  const rest = "    - { name: everything else takes two, approvals: 2 }";
  return ["policy:", "  rules:", ...(development.length > 0 ? [one] : []), rest];
}

function selectorOf(key: string, values: readonly string[]): string {
  const [only = ""] = values;
  return `{ ${key}: ${values.length === 1 ? only : `[${values.join(", ")}]`} }`;
}

/** The shortest pattern that gives each cluster a unique name. */
function nameFor(clusters: readonly FleetPlace[]): string {
  const isOwn = (of: (cluster: FleetPlace) => string) =>
    new Set(clusters.map((each) => of(each).toLowerCase().replaceAll("_", "-"))).size === clusters.length;
  if (isOwn(({ eksName }) => eksName)) return "{name}";
  return isOwn(({ eksName, account }) => `${eksName}-${account}`) ? "{name}-{account}" : "{name}-{account}-{region}";
}

const inRow = 7;

function rows(texts: readonly string[]): readonly string[] {
  const starts = Array.from({ length: Math.ceil(texts.length / inRow) }, (_, row) => row * inRow);
  return starts.map((start) => `      ${texts.slice(start, start + inRow).join(", ")},`);
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}
