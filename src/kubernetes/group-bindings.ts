import { RbacAuthorizationV1Api, type RbacV1Subject, type V1PolicyRule, type V1RoleRef } from "@kubernetes/client-node";
import { describeNamespaces, describeRules, type GroupRight, type RoleRule } from "../policy/rights.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

/** A RoleBinding, or with the namespace null a ClusterRoleBinding, of one group. */
export interface GroupBinding {
  readonly kind: string;
  readonly role: string;
  readonly namespace: string | null;
}

interface Binding {
  metadata?: { namespace?: string };
  roleRef: V1RoleRef;
  subjects?: readonly RbacV1Subject[];
}

interface BindingList {
  items: readonly Binding[];
  metadata?: { _continue?: string };
}

/** What RBAC binds to each group: mapping somebody to another group gives nothing. */
export async function groupBindings(
  connection: Connection,
  cluster: string,
): Promise<ReadonlyMap<string, readonly GroupBinding[]>> {
  const rbac = new RbacAuthorizationV1Api(connection.configuration);
  const groups = new Map<string, GroupBinding[]>();
  try {
    await collect(groups, (page) => rbac.listClusterRoleBinding(page));
    await collect(groups, (page) => rbac.listRoleBindingForAllNamespaces(page));
  } catch (error) {
    throw kubernetesFailure(error, `GET rolebindings of cluster ${cluster}`);
  }
  return groups;
}

type Page = { limit: number; _continue?: string };

async function collect(groups: Map<string, GroupBinding[]>, list: (page: Page) => Promise<BindingList>): Promise<void> {
  let next: string | undefined;
  do {
    const { items, metadata } = await list({ limit: 500, ...(next ? { _continue: next } : {}) });
    for (const { metadata: of, roleRef, subjects = [] } of items) {
      const binding = { kind: roleRef.kind, role: roleRef.name, namespace: of?.namespace ?? null };
      for (const { kind, name } of subjects) {
        if (kind === "Group") groups.set(name, [...(groups.get(name) ?? []), binding]);
      }
    }
    next = metadata?._continue;
  } while (next);
}

/** As many roles are read for one request; whoever is bound to more is told so. */
const mostRoles = 6;

/** What these groups may do by their bindings, in words: one item for each group and role, the first few of them. */
export async function groupRights(
  connection: Connection,
  cluster: string,
  bindings: ReadonlyMap<string, readonly GroupBinding[]>,
  groups: readonly string[],
): Promise<readonly GroupRight[]> {
  const rights: GroupRight[] = [];
  for (const { group, bound } of rolesOf(bindings, groups).slice(0, mostRoles)) {
    const [first] = bound;
    if (!first) continue;
    const rules = await rulesOf(connection, cluster, first);
    rights.push({
      group,
      role: `${first.kind} ${first.role}`,
      where: describeNamespaces(bound.map(({ namespace }) => namespace)),
      allows: rules ? describeRules(rules) : "nothing: there is no such role",
    });
  }
  return rights;
}

/** A ClusterRole that is bound in several namespaces is one; Roles of one name in two namespaces are two. */
function rolesOf(bindings: ReadonlyMap<string, readonly GroupBinding[]>, groups: readonly string[]) {
  const roles = new Map<string, { group: string; bound: GroupBinding[] }>();
  for (const group of groups) {
    for (const binding of bindings.get(group) ?? []) {
      const home = binding.kind === "Role" ? binding.namespace : "";
      const key = JSON.stringify([group, binding.kind, binding.role, home]);
      const known = roles.get(key) ?? { group, bound: [] };
      known.bound.push(binding);
      roles.set(key, known);
    }
  }
  return [...roles.values()];
}

/** Null: there is no such role. */
async function rulesOf(
  { configuration }: Connection,
  cluster: string,
  { kind, role: name, namespace }: GroupBinding,
): Promise<readonly RoleRule[] | null> {
  const rbac = new RbacAuthorizationV1Api(configuration);
  try {
    const { rules = [] } =
      kind === "Role"
        ? await rbac.readNamespacedRole({ name, namespace: namespace ?? "" })
        : await rbac.readClusterRole({ name });
    return rules.map(readRule);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw kubernetesFailure(error, `GET ${kind} ${name} of cluster ${cluster}`);
  }
}

function readRule({ verbs, apiGroups = [], resources = [], resourceNames = [] }: V1PolicyRule): RoleRule {
  return { verbs, apiGroups, resources, resourceNames };
}
