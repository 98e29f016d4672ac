import { z } from "zod";
import { groupsBy } from "../access/collections.ts";
import type { RoleRef } from "../access/lease/own-bindings.ts";
import {
  describeNamespaces,
  describeRules,
  isEverythingEverywhere,
  type RoleRule,
  rulesIn,
} from "../access/policy/rights.ts";
import { startOf } from "../access/redact.ts";
import { answerTooLarge, boundedPages, isTooLarge, type Page } from "../operations/bounds.ts";
import { inParallel } from "../operations/parallel.ts";
import type { Connection } from "./connection.ts";
import { failing, unlessAbsent } from "./failures.ts";

/** A person with the right to create RoleBindings can make this list long: beyond the bounds it reads none. A page fits into an answer. */
const pageSize = 250;
const mostOf = { pages: 100, items: 20_000, bytes: 48 * 1024 * 1024, subjects: 50_000, milliseconds: 10_000 };

const api = "/apis/rbac.authorization.k8s.io/v1";

/** The place of one namespace's bindings; null: those of the whole cluster. */
export function bindingsPath(namespace: string | null): string {
  return namespace === null ? `${api}/clusterrolebindings` : `${placeOf(namespace)}/rolebindings`;
}

function placeOf(namespace: string): string {
  return `${api}/namespaces/${encodeURIComponent(namespace)}`;
}

/** The lists of all bindings: those of the whole cluster, and those of its namespaces. */
export const bindingLists = { cluster: bindingsPath(null), namespaces: `${api}/rolebindings` };

/** Reads these lists in pages. @throws AccessError such as `answer-too-large` */
export async function* bindingPages<T extends { readonly subjects?: readonly unknown[] | null | undefined }>(
  connection: Connection,
  what: string,
  binding: z.ZodType<T>,
  query: Readonly<Record<string, string>> = {},
  lists: Iterable<string> = Object.values(bindingLists),
): AsyncGenerator<readonly T[]> {
  const bounds = { ...mostOf, deadline: AbortSignal.timeout(mostOf.milliseconds) };
  let subjects = 0;
  for (const path of lists) {
    for await (const bindings of boundedPages(what, bounds, (token) =>
      readPage(connection, what, path, binding, {
        limit: String(pageSize),
        ...query,
        ...(token && { continue: token }),
      }),
    )) {
      for (const each of bindings) subjects += each.subjects?.length ?? 0;
      if (subjects > mostOf.subjects) throw answerTooLarge(`${what} has more than ${mostOf.subjects} subjects`);
      yield bindings;
    }
  }
}

/** One page of a list of any kind. @throws AccessError */
export async function readPage<T>(
  connection: Connection,
  what: string,
  path: string,
  item: z.ZodType<T>,
  query: Readonly<Record<string, string>>,
): Promise<Page<T>> {
  const asked = connection.ask({ method: "GET", path, query }, pageOf(item));
  const { value, bytes } = await asked.catch(failing(what));
  return { items: value.items, bytes, next: value.metadata?.continue ?? undefined };
}

const pageShape = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ continue: z.string().nullish() }).nullish(),
});
type PageShape<T> = z.ZodType<z.infer<typeof pageShape> & { readonly items: T[] }>;
const pages = new WeakMap<z.ZodType, unknown>();

/** zod compiles each schema at its first use, which takes longer than reading a page. */
function pageOf<T>(item: z.ZodType<T>): PageShape<T> {
  const known = pages.get(item) ?? pageShape.extend({ items: z.array(item) });
  pages.set(item, known);
  return known as PageShape<T>;
}

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const rule = z.object({
  verbs: z.array(z.string()),
  apiGroups: texts,
  resources: texts,
  resourceNames: texts,
  nonResourceURLs: texts,
});

/** Another server can answer 200 too: that is no role that allows nothing. */
const role = z.object({ kind: z.enum(["Role", "ClusterRole"]), rules: z.array(rule).nullish() });

/** A verb on a kind of object. What describes a role looks at each. */
const mostRights = 10_000;

/** The rules of a role, aggregated ones filled in; null: there is no such role. @param namespace of the binding @throws AccessError */
export async function readRoleRules(
  connection: Connection,
  cluster: string,
  { kind, name }: RoleRef,
  namespace: string | null,
): Promise<readonly RoleRule[] | null> {
  if (kind === "Role" && namespace === null) return null;
  const place = kind === "Role" ? `${placeOf(namespace ?? "")}/roles` : `${api}/clusterroles`;
  const what = `GET ${kind} ${name} of cluster ${cluster}`;
  const asked = connection.ask({ method: "GET", path: `${place}/${encodeURIComponent(name)}` }, role);
  const found = await asked.catch(unlessAbsent(what));
  if (!found) return null;
  const rules = found.value.rules ?? [];
  let rights = 0;
  for (const { verbs, resources, nonResourceURLs } of rules)
    rights += verbs.length * (resources.length + nonResourceURLs.length);
  if (rights > mostRights) throw answerTooLarge(`${what} has more than ${mostRights} rights`);
  return rules;
}

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

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
/** A form of zod takes longer than reading a page. */
const bindingShape = z.custom<Binding>((item) => {
  const { subjects }: { subjects?: unknown } = isObject(item) ? item : { subjects: "none" };
  return (subjects ?? null) === null || (Array.isArray(subjects) && subjects.every(isObject));
});

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
  const binding = { kind: String(roleRef?.kind), role: String(roleRef?.name), namespace: metadata?.namespace ?? null };
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
/** The API server bounds no name of a role: no words after it must be lost. */
const maxName = 253;

export function groupBindings(connection: Connection, cluster: string) {
  return {
    /** What RBAC binds to each group and to each user, within the bounds of `bindingPages`. @throws AccessError */
    roleBindings: async (): Promise<RoleBindings> => {
      const what = `GET rolebindings of cluster ${cluster}`;
      const found: Found = { groups: new Map(), users: new Map() };
      for await (const bindings of bindingPages(connection, what, bindingShape)) {
        for (const binding of bindings) addBinding(found, binding);
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
        const shown = { ...role, name: startOf(name, maxName) };
        const right = { group, role: `${kind} ${shown.name}`, where: placesOf(found), allows: allowed(rules, found) };
        const known = typeof rules === "string" || rules === null ? [] : rules;
        return { right, bound: found.map((each) => ({ ...shown, namespace: each.namespace, rules: known })) };
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
