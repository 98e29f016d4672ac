import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { RoleRef } from "../access/lease/own-bindings.ts";
import { type OperatorObject, objectInWords } from "../access/policy/operator-rights.ts";
import type { RoleRule } from "../access/policy/rights.ts";
import { answerTooLarge, boundedPages, type Page } from "../operations/bounds.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

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

/** Reads these lists in pages. @throws AccessError `answer-too-large`; RefusedByServer */
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
      readPage(connection, path, binding, { limit: String(pageSize), ...query, ...(token && { continue: token }) }),
    )) {
      for (const each of bindings) subjects += each.subjects?.length ?? 0;
      if (subjects > mostOf.subjects) throw answerTooLarge(`${what} has more than ${mostOf.subjects} subjects`);
      yield bindings;
    }
  }
}

/** One page of a list of any kind. @throws RefusedByServer */
export async function readPage<T>(
  connection: Connection,
  path: string,
  item: z.ZodType<T>,
  query: Readonly<Record<string, string>>,
): Promise<Page<T>> {
  const { value, bytes } = await connection.ask({ method: "GET", path, query }, pageOf(item));
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

const texts = z.array(z.string()).nullish();

const rule = z.object({
  verbs: z.array(z.string()),
  apiGroups: texts,
  resources: texts,
  resourceNames: texts,
  nonResourceURLs: texts,
});

const role = z.object({ rules: z.array(rule).nullish() });

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
  try {
    const path = `${place}/${encodeURIComponent(name)}`;
    const rules = ((await connection.ask({ method: "GET", path }, role)).value.rules ?? []).map(readRule);
    let rights = 0;
    for (const { verbs, resources, nonResourceURLs } of rules)
      rights += verbs.length * (resources.length + nonResourceURLs.length);
    if (rights > mostRights) throw answerTooLarge(`${what} has more than ${mostRights} rights`);
    return rules;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw kubernetesFailure(error, what);
  }
}

function readRule({ verbs, ...rest }: z.infer<typeof rule>): RoleRule {
  return {
    verbs,
    apiGroups: rest.apiGroups ?? [],
    resources: rest.resources ?? [],
    resourceNames: rest.resourceNames ?? [],
    nonResourceURLs: rest.nonResourceURLs ?? [],
  };
}

export type ObjectState = "absent" | "as wanted" | "different";

const shape = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  rules: z.array(z.looseObject({})).nullish(),
  aggregationRule: z.looseObject({}).nullish(),
  roleRef: z.looseObject({ kind: z.string(), name: z.string() }).nullish(),
  subjects: z.array(z.looseObject({})).nullish(),
});

const fieldManager = "eks-access";
const rbac = "rbac.authorization.k8s.io/v1";

const plurals: Readonly<Record<OperatorObject["kind"], string>> = {
  ClusterRole: "clusterroles",
  Role: "roles",
  ClusterRoleBinding: "clusterrolebindings",
  RoleBinding: "rolebindings",
  ConfigMap: "configmaps",
};

/** Calls for the roles, bindings and ConfigMaps of an operator. Each throws an AccessError. */
export function operatorObjectCalls(connection: Connection, cluster: string) {
  const read = async (wanted: OperatorObject): Promise<Found | null> => {
    try {
      return (await connection.ask({ method: "GET", path: pathOf(wanted) }, shape)).value;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw kubernetesFailure(error, `GET ${objectInWords(wanted)} of cluster ${cluster}`);
    }
  };
  return {
    objectState: async (wanted: OperatorObject) => stateOf(await read(wanted), wanted),
    /** `cluster-conflict` after a concurrent write; `cluster-refused-write` for another role's binding. */
    writeObject: async (wanted: OperatorObject): Promise<void> => {
      const found = await read(wanted);
      if (stateOf(found, wanted) === "as wanted") return;
      const apiVersion = wanted.kind === "ConfigMap" ? "v1" : rbac;
      const { kind, name, namespace, content } = wanted;
      const metadata = found?.metadata ?? { name, ...(namespace !== null && { namespace }) };
      const body = { apiVersion, kind, metadata, ...content };
      const call = found
        ? ({ method: "PUT", path: pathOf(wanted), body } as const)
        : ({ method: "POST", path: listOf(wanted), body } as const);
      try {
        await connection.send({ ...call, query: { fieldManager } });
      } catch (error) {
        throw kubernetesFailure(error, `${call.method} ${objectInWords(wanted)} of cluster ${cluster}`);
      }
    },
  };
}

type Found = z.infer<typeof shape>;

function stateOf(found: Found | null, { content }: OperatorObject): ObjectState {
  if (!found) return "absent";
  // A controller would add the rights of other roles to such a role.
  if (found.aggregationRule) return "different";
  const isSame = Object.entries(content).every(([field, value]) => isDeepStrictEqual(found[field], value));
  return isSame ? "as wanted" : "different";
}

function listOf({ kind, namespace }: OperatorObject): string {
  const root = kind === "ConfigMap" ? "/api/v1" : `/apis/${rbac}`;
  return `${root}${namespace === null ? "" : `/namespaces/${namespace}`}/${plurals[kind]}`;
}

function pathOf(wanted: OperatorObject): string {
  return `${listOf(wanted)}/${encodeURIComponent(wanted.name)}`;
}
