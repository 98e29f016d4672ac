import type { BindingContent } from "./bindings.ts";
import type { Sent } from "./object-kind.ts";
import { type Authorize, has, matchesPath, type PolicyRule, type Rbac, roleOf, subjectOf, type User } from "./rbac.ts";
import type { RoleContent } from "./roles.ts";
import { failure, type KindNames, notFound, qualified, type Status } from "./status.ts";

export interface BindingRights {
  rbac: Rbac;
  authorize: Authorize;
  user: User;
  /** Of the binding; undefined for a ClusterRoleBinding. */
  namespace: string | undefined;
}

/** They may not `bind` it, and lack some of its rights (kubernetes, BindingAuthorized and ConfirmNoEscalation). */
export function escalationProblem(
  kind: KindNames,
  { metadata, roleRef }: Sent<BindingContent>,
  { rbac, authorize, user, namespace }: BindingRights,
): Status | undefined {
  if (user.groups.includes("system:masters")) return undefined;
  if (roleRef.kind !== "Role" && roleRef.kind !== "ClusterRole") return undefined;
  const { apiGroup: group, name } = roleRef;
  const place = namespace === undefined ? {} : { namespace };
  const resource = roleRef.kind === "Role" ? "roles" : "clusterroles";
  if (authorize(user, { verb: "bind", group, resource, name, ...place }).allowed) return undefined;
  const role = roleOf(rbac, { role: { kind: roleRef.kind, name }, ...place });
  if (!role) return notFound({ group, resource }, name);
  return lacking(kind, metadata.name ?? "", role.rules, { rbac, user, namespace });
}

/** They may not `escalate` it, and lack some of the rights (RoleEscalationAuthorized and ConfirmNoEscalation). */
export function ruleEscalation(
  kind: KindNames,
  { metadata, rules = [] }: Sent<RoleContent>,
  { rbac, authorize, user, namespace }: BindingRights,
): Status | undefined {
  if (user.groups.includes("system:masters")) return undefined;
  const { group, resource } = kind;
  const { name = "" } = metadata;
  const place = namespace === undefined ? {} : { namespace };
  if (authorize(user, { verb: "escalate", group, resource, name, ...place }).allowed) return undefined;
  return lacking(kind, name, rules, { rbac, user, namespace });
}

function lacking(
  kind: KindNames,
  name: string,
  given: readonly PolicyRule[],
  { rbac, user, namespace }: Omit<BindingRights, "authorize">,
): Status | undefined {
  const held = rulesOf(rbac, user, namespace);
  const missing = given.flatMap(atoms).filter((atom) => !held.some((rule) => includes(rule, atom)));
  return missing.length === 0 ? undefined : tooMuch(kind, name, user, missing);
}

function rulesOf(rbac: Rbac, user: User, namespace: string | undefined): PolicyRule[] {
  return rbac.bindings
    .filter((binding) => subjectOf(binding, user, namespace))
    .flatMap((binding) => [...(roleOf(rbac, binding)?.rules ?? [])]);
}

/** One right: rules consist of these (component-helpers, auth/rbac/validation, BreakdownRule). */
type Atom = { verb: string } & ({ url: string } | { group: string; resource: string; name: string | undefined });

function atoms({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  const names = resourceNames.length > 0 ? resourceNames : [undefined];
  const things = apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name })))),
  );
  return [...things, ...nonResourceURLs.flatMap((url) => verbs.map((verb) => ({ verb, url })))];
}

/** Whether a rule has the right (ruleCovers). A name narrows the rule; a right to all names needs a rule without names. */
function includes(rule: PolicyRule, atom: Atom): boolean {
  if (!has(rule.verbs, atom.verb)) return false;
  if ("url" in atom) {
    const { url } = atom;
    return (rule.nonResourceURLs ?? []).some((pattern) => matchesPath(pattern, url));
  }
  const { resources = [], resourceNames = [], apiGroups = [] } = rule;
  const [, subresource] = atom.resource.split("/");
  return (
    has(apiGroups, atom.group) &&
    (has(resources, atom.resource) || (subresource !== undefined && resources.includes(`*/${subresource}`))) &&
    (resourceNames.length === 0 || (atom.name !== undefined && resourceNames.includes(atom.name)))
  );
}

function tooMuch(kind: KindNames, name: string, user: User, missing: readonly Atom[]): Status {
  const { group, resource } = kind;
  const groups = user.groups.map((each) => `"${each}"`).join(" ");
  const who = `user "${user.username}" (groups=[${groups}])`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${inWords(missing).join("\n")}`;
  const message = `${qualified(resource, group)} "${name}" is forbidden: ${why}`;
  return failure(403, "Forbidden", message, { name, group, kind: resource });
}

/** One line for each resource, with all its verbs (registry/rbac/validation, CompactRules; pkg/apis/rbac/v1, CompactString). */
function inWords(missing: readonly Atom[]): string[] {
  const verbs = new Map<string, string[]>();
  for (const atom of missing) {
    const thing =
      "url" in atom
        ? `NonResourceURLs:["${atom.url}"]`
        : `APIGroups:["${atom.group}"], Resources:["${atom.resource}"]${atom.name === undefined ? "" : `, ResourceNames:["${atom.name}"]`}`;
    // Rules about paths stay separate.
    const key = "url" in atom ? `${thing} ${atom.verb}` : thing;
    verbs.set(key, [...(verbs.get(key) ?? [thing]), `"${atom.verb}"`]);
  }
  return [...verbs.values()].map(([thing, ...all]) => `{${thing}, Verbs:[${all.join(" ")}]}`).toSorted();
}
