import { z } from "zod";
import { boundedPages, type Page, tooLarge } from "../access/failure/bounded-pages.ts";
import { describeNamespaces, describeRules, type GroupRight, type RoleRule } from "../access/policy/rights.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

/** A RoleBinding, or with the namespace null a ClusterRoleBinding, of one group or user. */
export interface GroupBinding {
  readonly kind: string;
  readonly role: string;
  readonly namespace: string | null;
}

/** The parts that we read; a missing part or another kind has no subject. */
interface Binding {
  readonly metadata?: { readonly namespace?: string };
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly { readonly kind?: string; readonly name?: string }[] | null;
}

/**
 * Anyone who may create a RoleBinding decides how much there is to read. A page has few enough bindings for one answer, and a
 * cluster with more than these shows no groups.
 */
const pageSize = 250;
const mostOf = { pages: 100, items: 20_000, subjects: 50_000, milliseconds: 10_000 };

const api = "/apis/rbac.authorization.k8s.io/v1";
const lists = ["clusterrolebindings", "rolebindings"].map((kind) => `${api}/${kind}`);

/** What RBAC binds to each group and to each user: a mapping to another group gives nothing. */
export interface RoleBindings {
  readonly groups: ReadonlyMap<string, readonly GroupBinding[]>;
  readonly users: ReadonlyMap<string, readonly GroupBinding[]>;
}

interface Found extends RoleBindings {
  readonly groups: Map<string, GroupBinding[]>;
  readonly users: Map<string, GroupBinding[]>;
}

/** Reads all role bindings, as many as the bounds above let. @throws AccessError */
export async function roleBindings(connection: Connection, cluster: string): Promise<RoleBindings> {
  const what = `GET rolebindings of cluster ${cluster}`;
  const bounds = { ...mostOf, deadline: AbortSignal.timeout(mostOf.milliseconds) };
  const found: Found = { groups: new Map(), users: new Map() };
  let subjects = 0;
  try {
    for (const list of lists) {
      const pages = boundedPages(what, bounds, (token) => getList(connection, list, token));
      for await (const bindings of pages) {
        for (const binding of bindings) subjects += addBinding(found, binding);
        if (subjects > mostOf.subjects) throw tooLarge(`${what} has more than ${mostOf.subjects} subjects`);
      }
    }
  } catch (error) {
    throw kubernetesFailure(error, what);
  }
  return found;
}

/** A binding that names a group or a user more than once gives it no more. Returns how many subjects it has. */
function addBinding({ groups, users }: Found, { metadata, roleRef, subjects }: Binding): number {
  const all = subjects ?? [];
  const binding = {
    kind: String(roleRef?.kind),
    role: String(roleRef?.name),
    namespace: metadata?.namespace ?? null,
  };
  const named = (wanted: string) => new Set(all.filter(({ kind }) => kind === wanted).map(({ name }) => String(name)));
  for (const name of named("Group")) add(groups, name, binding);
  for (const name of named("User")) add(users, name, binding);
  return all.length;
}

function add(bindings: Map<string, GroupBinding[]>, name: string, binding: GroupBinding): void {
  const known = bindings.get(name);
  if (known) known.push(binding);
  else bindings.set(name, [binding]);
}

/** As many roles are read for one request; the answer says when there are more. */
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

const texts = z.array(z.string()).nullish();

const role = z.object({
  rules: z
    .array(z.object({ verbs: z.array(z.string()), apiGroups: texts, resources: texts, resourceNames: texts }))
    .nullish(),
});

/** Null: there is no such role. */
async function rulesOf(
  connection: Connection,
  cluster: string,
  { kind, role: name, namespace }: GroupBinding,
): Promise<readonly RoleRule[] | null> {
  const place = kind === "Role" ? `namespaces/${encodeURIComponent(namespace ?? "")}/roles` : "clusterroles";
  try {
    const path = `${api}/${place}/${encodeURIComponent(name)}`;
    return ((await connection.ask({ method: "GET", path }, role)).value.rules ?? []).map(readRule);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw kubernetesFailure(error, `GET ${kind} ${name} of cluster ${cluster}`);
  }
}

type Rule = NonNullable<z.infer<typeof role>["rules"]>[number];

function readRule({ verbs, apiGroups, resources, resourceNames }: Rule): RoleRule {
  return { verbs, apiGroups: apiGroups ?? [], resources: resources ?? [], resourceNames: resourceNames ?? [] };
}

const bindingList = z.object({
  items: z.array(z.custom<Binding>((item) => typeof item === "object" && item !== null)),
  metadata: z.object({ continue: z.string().nullish() }).nullish(),
});

async function getList(connection: Connection, path: string, token: string | undefined): Promise<Page<Binding>> {
  const query = { limit: String(pageSize), ...(token && { continue: token }) };
  const { items, metadata } = (await connection.ask({ method: "GET", path, query }, bindingList)).value;
  return { items, next: metadata?.continue ?? undefined };
}
