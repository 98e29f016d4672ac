import { z } from "zod";
import { groupsBy } from "../collections.ts";
import { type Immutable, textForm } from "../lease/lease-record.ts";
import type { AccessCheck, PathCheck } from "./cluster.ts";

export interface RoleRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  /** Paths such as `/metrics`; only a ClusterRoleBinding gives them. */
  readonly nonResourceURLs: readonly string[];
}

export interface RoleSeen {
  /** Null: there is no such role. */
  readonly rules: readonly RoleRule[] | null;
  /** Of the rules: an approval covers these alone. Null: they are too many to read. */
  readonly digest: string | null;
}

/** For example `ClusterRole view`, `in every namespace`, `read pods, services and 12 more`. */
export type GroupRight = Immutable<z.output<typeof groupRightForm>>;
export const groupRightForm = z.strictObject({ group: textForm, role: textForm, where: textForm, allows: textForm });

/** It needs no binding, and no binding can restrict it. */
export const mastersRight: GroupRight = {
  group: "system:masters",
  role: "built into Kubernetes",
  where: "in every namespace",
  allows: "everything",
};

/** Whether a role of the API server makes a person an administrator of the whole cluster. */
export function isEverythingEverywhere({ where, allows }: GroupRight): boolean {
  return where === mastersRight.where && allows === mastersRight.allows;
}

const reading = new Set(["get", "list", "watch"]);
const changing = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** Listed first: a person with one of these is nearly an administrator, or can read others' secrets. */
const sensitive = [
  ...["secrets", "pods/exec", "pods/attach", "pods/portforward", "nodes/proxy", "serviceaccounts/token"],
  ...["clusterrolebindings", "clusterroles", "rolebindings", "roles", "users", "groups"],
];
const familiar = [
  ...["pods", "pods/log", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs", "services", "ingresses"],
  ...["configmaps", "persistentvolumeclaims", "serviceaccounts", "namespaces", "nodes", "events"],
];
const places = new Map([...sensitive, ...familiar].map((name, index) => [name, index]));

const maxResources = 6;
const maxParts = 4;
/** The most verbs to show beside reading and changing; a role can invent any. */
const maxVerbs = 4;

/** What one role's rules allow, bounded, the most important first. */
export function describeRules(rules: readonly RoleRule[]): string {
  if (rules.some(isEverything)) return "everything";
  const verbs = verbsByResource(rules);
  if (verbs.size === 0) return "nothing";
  const resources = [...verbs.keys()].toSorted((a, b) => placeOf(a) - placeOf(b));
  const parts = groupsBy(resources, (resource) => inWords(verbs.get(resource) ?? new Set()));
  const said = [...parts].slice(0, maxParts).map(([doing, resources]) => `${doing} ${someOf(resources)}`);
  return [...said, ...(parts.size > maxParts ? [`${parts.size - maxParts} more kinds of access`] : [])].join("; ");
}

const rbac = "rbac.authorization.k8s.io";

/** Kinds of objects outside of namespaces, by their API groups. */
const clusterWide = new Map([
  ...["nodes", "persistentvolumes", "users", "groups"].map((kind) => [kind, ""] as const),
  ...["clusterroles", "clusterrolebindings"].map((kind) => [kind, rbac] as const),
  ...["storageclasses", "volumeattachments", "csidrivers", "csinodes"].map((kind) => [kind, "storage.k8s.io"] as const),
  ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies"].map(
    (kind) => [kind, "admissionregistration.k8s.io"] as const,
  ),
  ["customresourcedefinitions", "apiextensions.k8s.io"],
  ["apiservices", "apiregistration.k8s.io"],
  ...["certificatesigningrequests", "signers"].map((kind) => [kind, "certificates.k8s.io"] as const),
  ["ingressclasses", "networking.k8s.io"],
  ["priorityclasses", "scheduling.k8s.io"],
]);

/** The API groups of the kinds that people know. Others have resources of the same names: `pods.metrics.k8s.io`. */
const groupOf = new Map([
  ...clusterWide,
  ...["secrets", "pods", "services", "configmaps", "serviceaccounts"].map((kind) => [kind, ""] as const),
  ...["persistentvolumeclaims", "namespaces", "events", "replicationcontrollers"].map((kind) => [kind, ""] as const),
  ...["deployments", "statefulsets", "daemonsets", "replicasets"].map((kind) => [kind, "apps"] as const),
  ...["jobs", "cronjobs"].map((kind) => [kind, "batch"] as const),
  ...["rolebindings", "roles"].map((kind) => [kind, rbac] as const),
  ["ingresses", "networking.k8s.io"],
]);
const ownGroups: ReadonlySet<string> = new Set(groupOf.values());

export function isInItsGroup({ apiGroups }: RoleRule, resource: string): boolean {
  const group = groupOf.get(resource.split("/")[0] ?? "");
  return group === undefined || apiGroups.includes("*") || apiGroups.includes(group);
}

/** The name of a resource for people, with its group where it is not the usual one; empty: the rule gives nothing there. */
function namesIn(rule: RoleRule, resource: string): readonly string[] {
  // RBAC knows a star for the kind, not for its subresources (kubernetes, ResourceMatches).
  if (resource.endsWith("/*")) return [];
  if (rule.apiGroups.length > 0 && isInItsGroup(rule, resource)) return [resource];
  const [kind = "", ...sub] = resource.split("/");
  const groups = rule.apiGroups.filter((group) => !ownGroups.has(group)).slice(0, maxResources);
  return groups.map((group) => [`${kind}.${group}`, ...sub].join("/"));
}

/** As a person would write it. */
const plainName = /^[a-z][a-z0-9./-]{0,62}$/;

const objectName = /^[a-z0-9][a-z0-9.:-]{0,62}$/;

const plainPath = /^(\*|\/[\w./-]{0,62}\*?)$/;

/** Kubernetes authorizes these before it knows a name (docs, "Referring to resources"). A subresource is of a known object. */
export function canBeNamed(verb: string, resource: string): boolean {
  return resource.includes("/") || !["create", "deletecollection"].includes(verb);
}

/** Those that a person could have typed; `instead` for a star alone. */
function plain(names: readonly string[], instead: string): readonly string[] {
  const found = names.filter((name) => plainName.test(name));
  return found.length === 0 && names.includes("*") ? [instead] : found;
}

/**
 * One right of a role, for a question that people read: about the most familiar resource, by the first rule that gives it, without `*`
 * where possible, and of one object only if there is no other. Null: there is none.
 */
export function rightToAsk(rules: readonly RoleRule[]): Omit<AccessCheck, "namespace"> | null {
  if (rules.some(isEverything)) return { verb: "*", group: "*", resource: "*" };
  const rights = rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) => {
    const [group] = apiGroups.includes("") ? [""] : plain(apiGroups, "");
    const name = resourceNames.find((each) => objectName.test(each));
    if (group === undefined || (resourceNames.length > 0 && name === undefined)) return [];
    return plain(resources, "*").flatMap((resource) => {
      const [verb] = plain(
        verbs.filter((each) => name === undefined || canBeNamed(each, resource)),
        "get",
      );
      return verb === undefined ? [] : [{ verb, group, resource, ...(name !== undefined && { name }) }];
    });
  });
  const rank = ({ resource, name }: Omit<AccessCheck, "namespace">) =>
    [...familiar, resource].indexOf(resource) + (name === undefined ? 0 : familiar.length + 1);
  return rights.toSorted((one, other) => rank(one) - rank(other))[0] ?? null;
}

/** A right of a role on a path. RBAC takes the star at a path's end for itself too. Null: there is none. */
export function pathToAsk(rules: readonly RoleRule[]): PathCheck | null {
  const rights = rules.flatMap(({ verbs, nonResourceURLs }) => {
    const [path, verb] = [nonResourceURLs.find((url) => plainPath.test(url)), plain(verbs, "get")[0]];
    return path === undefined || verb === undefined ? [] : [{ verb, path }];
  });
  return rights[0] ?? null;
}

/** Whether rules give it (kubernetes, RuleAllows): a star stands for each, also before a subresource and at a path's end. */
export function givesRight(rules: readonly RoleRule[], check: AccessCheck | PathCheck): boolean {
  const has = (given: readonly string[], wanted: string) => given.includes("*") || given.includes(wanted);
  return rules.some(({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }) => {
    if (!has(verbs, check.verb)) return false;
    if ("path" in check) return nonResourceURLs.some((url) => isPathIn(url, check.path));
    const { group, resource, name = "" } = check;
    const isOfKind = has(resources, resource) || resources.includes(resource.replace(/^[^/]+(?=\/)/, "*"));
    return has(apiGroups, group) && isOfKind && (resourceNames.length === 0 || resourceNames.includes(name));
  });
}

function isPathIn(url: string, path: string): boolean {
  return url === path || (url.endsWith("*") && path.startsWith(url.replace(/\*+$/, "")));
}

/** What rules give by bindings in these places: those in namespaces give no path and nothing outside of namespaces (VisitRulesFor). */
export function rulesIn(rules: readonly RoleRule[], namespaces: readonly (string | null)[]): readonly RoleRule[] {
  if (namespaces.includes(null)) return rules;
  return rules.flatMap((rule) => {
    const isOutside = (resource: string) => {
      const group = clusterWide.get(resource.split("/")[0] ?? "");
      return group !== undefined && rule.apiGroups.every((each) => each === group);
    };
    const resources = rule.resources.filter((resource) => !isOutside(resource));
    return resources.length > 0 ? [{ ...rule, resources, nonResourceURLs: [] }] : [];
  });
}

export const everyNamespace = "in every namespace";

/** The namespaces of one role's bindings; null: a binding of the whole cluster. */
export function describeNamespaces(namespaces: readonly (string | null)[]): string {
  const named = [...new Set(namespaces)].flatMap((namespace) => namespace ?? []);
  return namespaces.includes(null) ? everyNamespace : `in ${someOf(named.toSorted())}`;
}

export function isEverything({ verbs, apiGroups, resources, resourceNames }: RoleRule): boolean {
  return [verbs, apiGroups, resources].every((list) => list.includes("*")) && resourceNames.length === 0;
}

function verbsByResource(rules: readonly RoleRule[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const rule of rules) {
    const { verbs, resources, resourceNames, nonResourceURLs } = rule;
    const isNamed = resourceNames.length > 0;
    const add = (name: string, given: readonly string[]) => {
      if (given.length > 0) all.set(name, new Set([...(all.get(name) ?? []), ...given]));
    };
    for (const resource of resources.flatMap((each) => namesIn(rule, each))) {
      const kind = resource === "*" ? everyResource(rule) : resource;
      const given = isNamed ? verbs.filter((verb) => canBeNamed(verb, resource)) : verbs;
      add(isNamed ? `${kind} ${someOf(resourceNames)}` : kind, given);
    }
    for (const url of nonResourceURLs) add(`the path ${url}`, verbs);
  }
  return all;
}

function everyResource({ apiGroups }: RoleRule): string {
  if (apiGroups.includes("*")) return "every resource";
  return `every resource of ${someOf(apiGroups.map((group) => group || "the core group"))}`;
}

function placeOf(resource: string): number {
  if (resource.startsWith("every resource") || resource.startsWith("*/")) return -1;
  return places.get(resource.split(" ")[0] ?? "") ?? places.size;
}

function inWords(verbs: ReadonlySet<string>): string {
  if (verbs.has("*")) return "do anything with";
  const others = [...verbs].filter((verb) => !reading.has(verb) && !changing.has(verb));
  const known = [
    ...([...verbs].some((verb) => reading.has(verb)) ? ["read"] : []),
    ...([...verbs].some((verb) => changing.has(verb)) ? ["change"] : []),
  ];
  const named =
    others.length > maxVerbs ? [...others.slice(0, maxVerbs), `${others.length - maxVerbs} more verbs`] : others;
  return [...known, ...named.map((verb) => verb.slice(0, 63))].join(" and ");
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, maxResources).map((name) => name.slice(0, 63));
  const left = names.length - shown.length;
  return `${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
}
