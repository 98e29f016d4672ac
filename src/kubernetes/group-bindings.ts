import { z } from "zod";
import { describeNamespaces, describeRules, type GroupRight } from "../access/policy/rights.ts";
import type { Connection } from "./connection.ts";
import { kubernetesFailure } from "./explain-kubernetes-error.ts";
import { bindingPages, readRoleRules } from "./rbac.ts";

/** A RoleBinding, or with the namespace null a ClusterRoleBinding, of one group or user. */
export interface GroupBinding {
  readonly kind: string;
  readonly role: string;
  readonly namespace: string | null;
}

interface Binding {
  readonly metadata?: { readonly namespace?: string };
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly { readonly kind?: string; readonly name?: string }[] | null;
}

const bindingShape = z.custom<Binding>((item) => typeof item === "object" && item !== null);

/** What RBAC binds to each group and to each user: a mapping to another group gives nothing. */
export interface RoleBindings {
  readonly groups: ReadonlyMap<string, readonly GroupBinding[]>;
  readonly users: ReadonlyMap<string, readonly GroupBinding[]>;
}

interface Found extends RoleBindings {
  readonly groups: Map<string, GroupBinding[]>;
  readonly users: Map<string, GroupBinding[]>;
}

/** Reads all role bindings within the bounds of `bindingPages`. @throws AccessError */
export async function roleBindings(connection: Connection, cluster: string): Promise<RoleBindings> {
  const what = `GET rolebindings of cluster ${cluster}`;
  const found: Found = { groups: new Map(), users: new Map() };
  try {
    for await (const bindings of bindingPages(connection, what, bindingShape)) {
      for (const binding of bindings) addBinding(found, binding);
    }
  } catch (error) {
    throw kubernetesFailure(error, what);
  }
  return found;
}

/** A second mention of a group or user in a binding gives nothing more. */
function addBinding({ groups, users }: Found, { metadata, roleRef, subjects }: Binding): void {
  const all = subjects ?? [];
  const binding = {
    kind: String(roleRef?.kind),
    role: String(roleRef?.name),
    namespace: metadata?.namespace ?? null,
  };
  const named = (wanted: string) => new Set(all.filter(({ kind }) => kind === wanted).map(({ name }) => String(name)));
  for (const name of named("Group")) add(groups, name, binding);
  for (const name of named("User")) add(users, name, binding);
}

function add(bindings: Map<string, GroupBinding[]>, name: string, binding: GroupBinding): void {
  const known = bindings.get(name);
  if (known) known.push(binding);
  else bindings.set(name, [binding]);
}

const maxRoles = 6;

/** What these groups can do by their bindings, in words: one item for each group and role, the first few of them. */
export async function groupRights(
  connection: Connection,
  cluster: string,
  bindings: ReadonlyMap<string, readonly GroupBinding[]>,
  groups: readonly string[],
): Promise<readonly GroupRight[]> {
  const rights: GroupRight[] = [];
  for (const { group, bound } of rolesOf(bindings, groups).slice(0, maxRoles)) {
    const [first] = bound;
    if (!first) continue;
    const role = { kind: first.kind === "Role" ? ("Role" as const) : ("ClusterRole" as const), name: first.role };
    const rules = await readRoleRules(connection, cluster, role, first.namespace);
    rights.push({
      group,
      role: `${first.kind} ${first.role}`,
      where: describeNamespaces(bound.map(({ namespace }) => namespace)),
      allows: rules ? describeRules(rules) : "nothing: there is no such role",
    });
  }
  return rights;
}

/** A ClusterRole bound in several namespaces is one. Roles of one name in two namespaces are two. */
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
