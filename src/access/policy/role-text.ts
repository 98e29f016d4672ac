/**
 * A Kubernetes role as an item of a level, bound to the person alone: `ClusterRole view` in the whole cluster, `ClusterRole edit in shop`
 * or `Role deployer in shop` in one namespace. No group has a space in its name.
 */
const form = /^(ClusterRole|Role) (\S+)(?: in (\S+))?$/;

/** In a level: the requester chooses the namespaces. No namespace has this name. */
const chosen = "?";

/** A role, and where it is bound. */
export interface PlacedRole {
  readonly kind: "ClusterRole" | "Role";
  readonly name: string;
  /** Null: in the whole cluster. A Role always has one. */
  readonly namespace: string | null;
}

/** @param namespace null: the whole cluster; `"choose"`: the requester chooses */
export function roleText(
  { kind, name }: Pick<PlacedRole, "kind" | "name">,
  namespace: string | null | "choose",
): string {
  if (namespace === null) return `${kind} ${name}`;
  return `${kind} ${name} in ${namespace === "choose" ? chosen : namespace}`;
}

export function isRoleText(given: string): boolean {
  return form.test(given);
}

/** Null: the text names no role. */
export function placedRoleOf(given: string): PlacedRole | null {
  const [, kind, name, namespace = null] = form.exec(given) ?? [];
  if (name === undefined || (kind !== "ClusterRole" && kind !== "Role")) return null;
  return { kind, name, namespace };
}

/** Whether a level binds roles to the person, instead of giving groups. No level does both. */
export function bindsRoles(given: readonly string[]): boolean {
  return given.some(isRoleText);
}

/** Whether the requester chooses the namespaces of a level. */
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

/** Whether a request's groups are what its level gives today, in the chosen namespaces. */
export function matchesLevel(
  level: readonly string[],
  { groups, namespaces }: { readonly groups: readonly string[]; readonly namespaces: string },
): boolean {
  if (choosesNamespaces(level) && (namespaces === "" || !groups.every(isRoleText))) return false;
  return levelGroupsIn(level, namespaces).join() === [...groups].sort().join();
}
