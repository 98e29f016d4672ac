import type { Sent } from "./object-kind.ts";
import {
  type Attributes,
  type Authorize,
  type BindingContent,
  covers,
  type PolicyRule,
  type ResourceAttributes,
  type RoleContent,
  roleOf,
  rulesOf,
  type StoredRbac,
  subjectOf,
  type User,
} from "./rbac.ts";
import { failure, type KindNames, notFound, qualified, type Status } from "./status.ts";

export interface BindingRights {
  rbac: StoredRbac;
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
  const role = roleOf(rbac, roleRef, namespace);
  if (!role) return notFound({ group, resource }, name);
  return lacking(kind, metadata.name ?? "", role.rules ?? [], { rbac, user, namespace });
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
  const held = rbac.bindings
    .filter((binding) => subjectOf(binding, user, namespace))
    .flatMap((binding) => rulesOf(rbac, binding));
  const missing = given.flatMap(rightsIn).filter((right) => !held.some((rule) => covers(rule, right)));
  return missing.length === 0 ? undefined : tooMuch(kind, name, user, missing);
}

/** The single rights that a rule consists of (component-helpers, auth/rbac/validation, BreakdownRule). */
function rightsIn(rule: PolicyRule): Attributes[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length > 0 ? resourceNames.map((name) => ({ name })) : [{}];
  const things = resources.map((text) => {
    const [resource = "", subresource] = text.split("/");
    return subresource === undefined ? { resource } : { resource, subresource };
  });
  const ofThings = apiGroups.flatMap((group) =>
    things.flatMap((thing) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, ...thing, ...name })))),
  );
  return [...ofThings, ...nonResourceURLs.flatMap((path) => verbs.map((verb) => ({ verb, path })))];
}

function tooMuch(kind: KindNames, name: string, user: User, missing: readonly Attributes[]): Status {
  const { group, resource } = kind;
  const groups = user.groups.map((each) => `"${each}"`).join(" ");
  const who = `user "${user.username}" (groups=[${groups}])`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${inWords(missing).join("\n")}`;
  const message = `${qualified(resource, group)} "${name}" is forbidden: ${why}`;
  return failure(403, "Forbidden", message, { name, group, kind: resource });
}

/** One line for each resource, with all its verbs (registry/rbac/validation, CompactRules; pkg/apis/rbac/v1, CompactString). */
function inWords(missing: readonly Attributes[]): string[] {
  const verbs = new Map<string, string[]>();
  for (const right of missing) {
    const thing = "path" in right ? `NonResourceURLs:["${right.path}"]` : resourceInWords(right);
    // Rules about paths stay separate.
    const key = "path" in right ? `${thing} ${right.verb}` : thing;
    verbs.set(key, [...(verbs.get(key) ?? [thing]), `"${right.verb}"`]);
  }
  return [...verbs.values()].map(([thing, ...all]) => `{${thing}, Verbs:[${all.join(" ")}]}`).toSorted();
}

function resourceInWords({ group, resource, subresource, name }: ResourceAttributes): string {
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `APIGroups:["${group}"], Resources:["${whole}"]${name === undefined ? "" : `, ResourceNames:["${name}"]`}`;
}
