/**
 * A Kubernetes role as an item of a level, bound to the person alone: `ClusterRole view`, `ClusterRole edit in shop` or `Role
 * deployer in shop`. No group has a space in its name. Names are as long as the configuration takes them, of whole characters: a record in
 * Redis can have any.
 */
const roleForm = /^(ClusterRole|Role) ([^\s\p{Surrogate}]{1,253})(?: in (\?|[a-z0-9-]{1,63}))?$/u;

/** In a level: the requester chooses the namespaces. No namespace has this name. */
export const chosen = "?";

export interface PlacedRole {
  readonly kind: "ClusterRole" | "Role";
  readonly name: string;
  /** Null: in the whole cluster. A Role always has one. */
  readonly namespace: string | null;
}

/** @param namespace null: the whole cluster */
export function roleText({ kind, name }: Pick<PlacedRole, "kind" | "name">, namespace: string | null): string {
  return namespace === null ? `${kind} ${name}` : `${kind} ${name} in ${namespace}`;
}

export function isRoleText(given: string): boolean {
  return roleForm.test(given);
}

/** Null: the text names no role. */
export function placedRoleOf(given: string): PlacedRole | null {
  const [, kind, name, namespace = null] = roleForm.exec(given) ?? [];
  if (name === undefined || (kind !== "ClusterRole" && kind !== "Role")) return null;
  return { kind, name, namespace };
}

/** Whether a level binds roles to the person, instead of giving groups. No level does both. */
export function bindsRoles(given: readonly string[]): boolean {
  return given.some(isRoleText);
}

export function choosesNamespaces(given: readonly string[]): boolean {
  return given.some((each) => placedRoleOf(each)?.namespace === chosen);
}

/** A level's items in these namespaces, which are separated by commas. Sorted, each once. */
export function levelGroupsIn(level: readonly string[], namespaces: string): readonly string[] {
  const names = namespaces.split(",").filter((name) => name !== "");
  const texts = level.flatMap((each) => {
    const role = placedRoleOf(each);
    return role?.namespace === chosen ? names.map((name) => roleText(role, name)) : [each];
  });
  return [...new Set(texts)].sort();
}

/** Whether a request's groups equal those of its level today, in the chosen namespaces. */
export function matchesLevel(
  level: readonly string[],
  { groups, namespaces }: { readonly groups: readonly string[]; readonly namespaces: string },
): boolean {
  if (choosesNamespaces(level) && (namespaces === "" || !groups.every(isRoleText))) return false;
  return levelGroupsIn(level, namespaces).join() === [...groups].sort().join();
}

/** An item of a level, beside groups: no group has a space in its name, so bases, shares and drift work for both. */
const policyForm = /^policy (\S+)(?: in (\S+))?$/;

/** One text for the whole cluster, or one for each namespace. */
export function policyTexts({ name, namespaces }: ScopedPolicy): readonly string[] {
  return namespaces ? namespaces.map((namespace) => `policy ${name} in ${namespace}`) : [`policy ${name}`];
}

export function isPolicyText(given: string): boolean {
  return policyForm.test(given);
}

export function kubernetesGroups(given: readonly string[]): readonly string[] {
  return given.filter((each) => !isPolicyText(each) && !isRoleText(each));
}

/** The access policies among a level's items, each once with its scope: the whole cluster covers every namespace. Sorted by name. */
export function accessPolicies(given: readonly string[]): readonly ScopedPolicy[] {
  const scopes = new Map<string, string[] | null>();
  for (const each of given) {
    const [, name, namespace] = policyForm.exec(each) ?? [];
    if (name === undefined) continue;
    const known = scopes.get(name);
    const isWhole = known === null || namespace === undefined;
    scopes.set(name, isWhole ? null : [...(known ?? []), namespace]);
  }
  return [...scopes]
    .map(([name, namespaces]) => ({ name, namespaces: namespaces && [...new Set(namespaces)].sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The one namespace, or pattern, in which an item applies; null: it may apply to the whole cluster, as a group does. */
export function namespaceOf(given: string): string | null {
  const role = placedRoleOf(given);
  return role ? role.namespace : (policyForm.exec(given)?.[2] ?? null);
}

/** Whether a person with these items has this one too. */
export function covers(given: readonly string[], wanted: string): boolean {
  if (given.includes(wanted)) return true;
  const role = placedRoleOf(wanted);
  if (role) return role.kind === "ClusterRole" && given.includes(roleText(role, null));
  const [, name, namespace] = policyForm.exec(wanted) ?? [];
  return namespace !== undefined && given.includes(`policy ${name}`);
}

/** Several `*` may match what one does. */
const fullControl = /^(?:system:masters|ClusterRole cluster-admin|policy AmazonEKSClusterAdminPolicy(?: in \*+)?)$/;

export function isFullControl(given: readonly string[]): boolean {
  return given.some((each) => fullControl.test(each));
}

/** An access policy of EKS, associated with an entry. EKS takes each policy once for an entry, with one scope. */
export interface ScopedPolicy {
  readonly name: string;
  /** Names or patterns with `*`, as written; null: the whole cluster. */
  readonly namespaces: readonly string[] | null;
}

export function namespacesIn(groups: readonly string[]): readonly string[] {
  return [...new Set(groups.flatMap((text) => placedRoleOf(text)?.namespace ?? []))];
}
