import { z } from "zod";
import { groupsBy } from "../access/collections.ts";
import { describeNamespaces, describeRules, isEverythingEverywhere, rulesIn } from "../access/policy/rights.ts";
import { isTooLarge } from "../operations/bounds.ts";
import { inParallel } from "../operations/deadlines.ts";
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

const maxRoles = 20;

export function groupBindings(connection: Connection, cluster: string) {
  return {
    /** What RBAC binds to each group and to each user, within the bounds of `bindingPages`. @throws AccessError */
    roleBindings: async (): Promise<RoleBindings> => {
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
    },
    /**
     * What these groups can do by these bindings, in words: one item for each group and role, and one for those that it does not read.
     * With the roles that it could read.
     */
    groupRights: async (bindings: RoleBindings["groups"], groups: readonly string[]) => {
      const all = rolesOf(bindings, groups);
      const read = await inParallel(all.slice(0, maxRoles), async (found) => {
        const [{ group, kind, role: name, namespace }] = found;
        const role = { kind: kind === "Role" ? ("Role" as const) : ("ClusterRole" as const), name };
        const rules = await readRoleRules(connection, cluster, role, namespace).catch(unreadIfTooLarge);
        const right = { group, role: `${kind} ${name}`, where: placesOf(found), allows: allowed(rules, found) };
        const known = typeof rules === "string" || rules === null ? [] : rules;
        return { right, bound: found.map((each) => ({ ...role, namespace: each.namespace, rules: known })) };
      });
      const [next, ...others] = all.slice(maxRoles);
      const role = `${others.length + 1} more role${others.length > 0 ? "s" : ""}`;
      const where = placesOf([...(next ?? []), ...others.flat()]);
      const unread = next ? [{ group: next[0].group, role, where, allows: "unknown, because they are too many" }] : [];
      return {
        rights: [...read.map(({ right }) => right), ...unread],
        // A role that allows everything everywhere has a warning of its own.
        bound: read.flatMap(({ right, bound }) => (isEverythingEverywhere(right) ? [] : bound)),
      };
    },
  };
}

function allowed(rules: Awaited<ReturnType<typeof readRoleRules>> | string, bound: readonly GroupBinding[]): string {
  if (typeof rules === "string") return rules;
  if (!rules) return "nothing: there is no such role";
  const namespaces = bound.map(({ namespace }) => namespace);
  return describeRules(rulesIn(rules, namespaces));
}

function placesOf(bound: readonly GroupBinding[]): string {
  return describeNamespaces(bound.map(({ namespace }) => namespace));
}

/** People who can edit a role must not hide the others. */
function unreadIfTooLarge(error: unknown): string {
  if (isTooLarge(error)) return "unknown, because it is too large to read";
  throw error;
}

/** What reaches furthest first: people bind as many roles as they like in a namespace of their own. */
function reach({ namespace }: GroupBinding): number {
  return namespace === null ? 0 : namespace === "kube-system" ? 1 : 2;
}

/** A ClusterRole bound in several namespaces is one. Roles of one name in two namespaces are two. */
function rolesOf(bindings: ReadonlyMap<string, readonly GroupBinding[]>, groups: readonly string[]) {
  const bound = groups
    .flatMap((group) => (bindings.get(group) ?? []).map((binding) => ({ ...binding, group })))
    .toSorted((one, other) => reach(one) - reach(other));
  const keyOf = ({ group, kind, role, namespace }: (typeof bound)[number]) =>
    JSON.stringify([group, kind, role, kind === "Role" ? namespace : ""]);
  return [...groupsBy(bound, keyOf).values()];
}
