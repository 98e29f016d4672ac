import { isRoleText, placedRoleOf, roleText } from "./role-text.ts";

/**
 * An access policy as an item of a level, beside Kubernetes groups: `policy AmazonEKSViewPolicy`, or `policy AmazonEKSViewPolicy in
 * payments` for one namespace. No group has a space in its name. So bases, shares and drift work for both alike.
 */
const form = /^policy (\S+)(?: in (\S+))?$/;

/** One text for the whole cluster, or one for each namespace. */
export function policyTexts({ name, namespaces }: ScopedPolicy): readonly string[] {
  return namespaces ? namespaces.map((namespace) => `policy ${name} in ${namespace}`) : [`policy ${name}`];
}

export function isPolicyText(given: string): boolean {
  return form.test(given);
}

/** The Kubernetes groups among a level's items. */
export function kubernetesGroups(given: readonly string[]): readonly string[] {
  return given.filter((each) => !isPolicyText(each) && !isRoleText(each));
}

/** The access policies among a level's items, each once with its scope: the whole cluster covers every namespace. Sorted by name. */
export function accessPolicies(given: readonly string[]): readonly ScopedPolicy[] {
  const scopes = new Map<string, string[] | null>();
  for (const each of given) {
    const [, name, namespace] = form.exec(each) ?? [];
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
  return role ? role.namespace : (form.exec(given)?.[2] ?? null);
}

/** Whether a person with these items has this one too. */
export function covers(given: readonly string[], wanted: string): boolean {
  if (given.includes(wanted)) return true;
  const role = placedRoleOf(wanted);
  if (role) return role.kind === "ClusterRole" && given.includes(roleText(role, null));
  const [, name, namespace] = form.exec(wanted) ?? [];
  return namespace !== undefined && given.includes(`policy ${name}`);
}

const fullControl = ["system:masters", "policy AmazonEKSClusterAdminPolicy", "ClusterRole cluster-admin"];

/** Whether the items make a person an administrator of the whole cluster. */
export function isFullControl(given: readonly string[]): boolean {
  return fullControl.some((each) => given.includes(each));
}

/** An access policy of EKS, associated with an entry. EKS takes each policy once for an entry, with one scope. */
export interface ScopedPolicy {
  /** For example `AmazonEKSViewPolicy`. */
  readonly name: string;
  /** Names or patterns with `*`, as written; null: the whole cluster. */
  readonly namespaces: readonly string[] | null;
}
