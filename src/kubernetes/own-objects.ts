import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AccessError, type FailureCode } from "../access/access-error.ts";
import { type ClusterBinding, leaseLabels, type NewBinding } from "../access/lease/own-bindings.ts";
import { type OperatorObject, objectInWords } from "../access/policy/operator-rights.ts";
import { allOfPages, isTooLarge } from "../operations/bounds.ts";
import type { Connection } from "./connection.ts";
import {
  failing,
  isByPolicy,
  isNotFound,
  kubernetesFailure,
  quotaRemedy,
  RefusedByServer,
  statusOf,
  unlessAbsent,
} from "./failures.ts";
import { bindingLists, bindingPages, bindingsPath, readPage, readRoleRules } from "./rbac.ts";

/** The name of one binding, and the uid of the meant one; null: whatever has the name. */
export type BindingPlace = Pick<ClusterBinding, "name" | "namespace" | "uid">;

/** The result of a deletion. `kept`: finalizers keep the binding, which still gives its rights. */
export type Deleted = "deleted" | "kept" | "absent" | "other";

type CallFor = { readonly lease?: string };

const maxNamespaces = { pages: 100, items: 20_000, milliseconds: 10_000 };
const fieldManager = "eks-access";
const group = "rbac.authorization.k8s.io";

/** The bindings through which a cluster gives leases. Each call throws an AccessError. */
export function leaseBindings(connection: Connection, cluster: string) {
  const pathOf = ({ name, namespace }: Pick<ClusterBinding, "name" | "namespace">) =>
    `${bindingsPath(namespace)}/${encodeURIComponent(name)}`;
  return {
    /** `answer-too-large` beyond the bounds. @param among reads only the lists that can have these */
    listLeaseBindings: async (
      among?: readonly Pick<ClusterBinding, "namespace">[],
    ): Promise<readonly ClusterBinding[]> => {
      const what = `GET rolebindings of leases of cluster ${cluster}`;
      const labels = Object.entries(leaseLabels).map(([name, value]) => `${name}=${value}`);
      const query = { labelSelector: labels.join(",") };
      const lists =
        among && new Set(among.map(({ namespace }) => bindingLists[namespace === null ? "cluster" : "namespaces"]));
      const found: ClusterBinding[] = [];
      for await (const bindings of bindingPages(connection, what, bindingShape, query, lists))
        found.push(...bindings.map(readBinding));
      return found;
    },
    /** The binding of this name, whatever its labels; null: there is none. One that is too large to read has no uid. */
    findBinding: async (place: Pick<ClusterBinding, "name" | "namespace">): Promise<ClusterBinding | null> => {
      try {
        return readBinding((await connection.ask({ method: "GET", path: pathOf(place) }, bindingShape)).value);
      } catch (error) {
        if (isNotFound(error)) return null;
        if (isTooLarge(error)) return { ...place, ...unread };
        throw kubernetesFailure(error, `GET ${nameOf(place)} of cluster ${cluster}`);
      }
    },
    /**
     * Creates a binding of a role to one user. @returns what the API server made of it: admission can change it. @throws AccessError
     * `binding-exists`: the name is taken; `binding-forbidden`: we can't create it, or lack `bind` on the role and some of its rights;
     * `namespace-absent`: there is none, or it terminates; `role-absent`: we lack `bind`, and no role exists to compare our rights with
     */
    createBinding: async (binding: NewBinding, { lease }: CallFor = {}): Promise<ClusterBinding> => {
      const call = { method: "POST", path: bindingsPath(binding.namespace), query: { fieldManager } } as const;
      try {
        return readBinding((await connection.ask({ ...call, body: objectOf(binding), lease }, bindingShape)).value);
      } catch (error) {
        if (isTooLarge(error)) return { name: binding.name, namespace: binding.namespace, ...unread };
        throw bindingFailure(error, `POST ${nameOf(binding)} of cluster ${cluster}`);
      }
    },
    /** `absent`: none has its name; `other`: another uid has it. @throws AccessError `binding-forbidden` */
    deleteBinding: async (place: BindingPlace, { lease }: CallFor = {}): Promise<Deleted> => {
      // An explicit policy overrides a finalizer that makes the object wait for its dependents (apiserver, shouldDeleteDependents).
      const meant = place.uid === null ? {} : { preconditions: { uid: place.uid } };
      const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...meant };
      try {
        const { value } = await connection.ask({ method: "DELETE", path: pathOf(place), body, lease }, deletion);
        return value.kind === "Status" ? "deleted" : "kept";
      } catch (error) {
        if (isNotFound(error)) return "absent";
        if (isOther(error)) return "other";
        throw bindingFailure(error, `DELETE ${nameOf(place)} of cluster ${cluster}`);
      }
    },
    /** The rules of a role, aggregated ones filled in; null: there is no such role. @param namespace of the binding */
    roleRules: (role: ClusterBinding["role"], namespace: string | null) =>
      readRoleRules(connection, cluster, role, namespace),
    /** All namespaces, in the API server's order; `answer-too-large` beyond the bounds. */
    namespaces: async (): Promise<readonly Namespace[]> => {
      const what = `GET namespaces of cluster ${cluster}`;
      const bounds = { ...maxNamespaces, deadline: AbortSignal.timeout(maxNamespaces.milliseconds) };
      const all = await allOfPages(what, bounds, (token) => {
        const query = { limit: "250", ...(token && { continue: token }) };
        return readPage(connection, what, "/api/v1/namespaces", namespaceShape, query);
      });
      return all.map(({ metadata, status }) => ({ name: metadata.name, isEnding: status.phase === "Terminating" }));
    },
  };
}

/** One that ends takes no new objects. */
export type Namespace = { readonly name: string; readonly isEnding: boolean };

const namespaceShape = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({ phase: z.string().catch("") }).catch({ phase: "" }),
});

/** People who may edit a lease's binding, and webhooks, can make it so large: it must end all the same, and delay no other. */
const unread = {
  ...{ uid: null, labels: {}, annotations: {}, subjects: [], deletedAt: null },
  role: { kind: "ClusterRole", name: "" },
} as const;

function objectOf({ name, namespace, labels, annotations, role, user }: NewBinding): object {
  return {
    apiVersion: `${group}/v1`,
    kind: namespace === null ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace !== null && { namespace }), labels, annotations },
    roleRef: { apiGroup: group, ...role },
    subjects: [{ apiGroup: group, kind: "User", name: user }],
  };
}

/** The answer to a deletion: a Status, or the object that its finalizers keep (kubernetes, apiserver, DeleteResource). */
const deletion = z.object({ kind: z.string() });

/** Only the uid is a condition (kubernetes, apiserver, rest.BeforeDelete and storage.Preconditions). */
function isOther(error: unknown): boolean {
  const status = statusOf(error);
  const { reason, message } = status ?? {};
  return reason === "Conflict" && !isByPolicy(status) && /\bUID in (?:the )?precondition\b/.test(message ?? "");
}

function nameOf({ name, namespace }: Pick<ClusterBinding, "name" | "namespace">): string {
  return namespace === null ? `clusterrolebinding ${name}` : `rolebinding ${name} in ${namespace}`;
}

function bindingFailure(error: unknown, what: string): AccessError {
  const failure = kubernetesFailure(error, what);
  const code = codeOf(failure.code, statusOf(error));
  if (!code) return failure;
  const ours = error instanceof RefusedByServer ? remedyOf(error, code) : undefined;
  return new AccessError(code, failure.what, { cause: failure.cause, ...(ours !== undefined && { remedy: ours }) });
}

function remedyOf(error: RefusedByServer, code: FailureCode): string | undefined {
  const status = statusOf(error);
  if (status?.message.includes(terminates)) return "Ask for another one.";
  return quotaRemedy(status) ?? (code === "binding-forbidden" ? error.remedy : undefined);
}

/** A namespace then takes no new objects (kubernetes, apiserver, NamespaceLifecycle). */
const terminates = "because it is being terminated";

/** Undefined: the failure is not specific to bindings. */
function codeOf(usual: FailureCode, status: ReturnType<typeof statusOf>): FailureCode | undefined {
  if (usual === "cluster-conflict" && status?.reason === "AlreadyExists") return "binding-exists";
  if (usual === "cluster-refused-write") return undefined;
  if (status?.reason === "NotFound") return status.kind === "namespaces" ? "namespace-absent" : "role-absent";
  if (usual !== "cluster-forbidden") return undefined;
  return status?.message.includes(terminates) ? "namespace-absent" : "binding-forbidden";
}

const texts = z.record(z.string(), z.string()).nullish();

const bindingShape = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().nullish(),
    uid: z.string(),
    labels: texts,
    annotations: texts,
    deletionTimestamp: z.string().nullish(),
  }),
  roleRef: z.object({ kind: z.enum(["Role", "ClusterRole"]), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().nullish() })).nullish(),
});

function readBinding({ metadata, roleRef, subjects }: z.infer<typeof bindingShape>): ClusterBinding {
  const { name, namespace, uid, labels, annotations, deletionTimestamp } = metadata;
  return {
    ...{ name, namespace: namespace ?? null, uid, labels: labels ?? {}, annotations: annotations ?? {} },
    role: { kind: roleRef.kind, name: roleRef.name },
    subjects: (subjects ?? []).map((each) => ({
      ...{ kind: each.kind, name: each.name },
      ...(each.namespace && { namespace: each.namespace }),
    })),
    deletedAt: deletionTimestamp ?? null,
  };
}

export type ObjectState = "absent" | "as wanted" | "different";

const objectShape = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  rules: z.array(z.looseObject({})).nullish(),
  aggregationRule: z.looseObject({}).nullish(),
  roleRef: z.looseObject({ kind: z.string(), name: z.string() }).nullish(),
  subjects: z.array(z.looseObject({})).nullish(),
});

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
    const asked = connection.ask({ method: "GET", path: pathOfObject(wanted) }, objectShape);
    return (await asked.catch(unlessAbsent(`GET ${objectInWords(wanted)} of cluster ${cluster}`)))?.value ?? null;
  };
  return {
    objectState: async (wanted: OperatorObject) => stateOf(await read(wanted), wanted),
    /** `cluster-conflict` after a concurrent write; `cluster-refused-write` for another role's binding. */
    writeObject: async (wanted: OperatorObject): Promise<void> => {
      const found = await read(wanted);
      if (stateOf(found, wanted) === "as wanted") return;
      const apiVersion = wanted.kind === "ConfigMap" ? "v1" : `${group}/v1`;
      const { kind, name, namespace, content } = wanted;
      const metadata = found?.metadata ?? { name, ...(namespace !== null && { namespace }) };
      const body = { apiVersion, kind, metadata, ...content };
      const call = found
        ? ({ method: "PUT", path: pathOfObject(wanted), body } as const)
        : ({ method: "POST", path: listOf(wanted), body } as const);
      const what = `${call.method} ${objectInWords(wanted)} of cluster ${cluster}`;
      await connection.send({ ...call, query: { fieldManager } }).catch(failing(what));
    },
  };
}

type Found = z.infer<typeof objectShape>;

function stateOf(found: Found | null, { content }: OperatorObject): ObjectState {
  if (!found) return "absent";
  // A controller would add the rights of other roles to such a role.
  if (found.aggregationRule) return "different";
  const isSame = Object.entries(content).every(([field, value]) => isDeepStrictEqual(found[field], value));
  return isSame ? "as wanted" : "different";
}

function listOf({ kind, namespace }: OperatorObject): string {
  const root = kind === "ConfigMap" ? "/api/v1" : `/apis/${group}/v1`;
  return `${root}${namespace === null ? "" : `/namespaces/${namespace}`}/${plurals[kind]}`;
}

function pathOfObject(wanted: OperatorObject): string {
  return `${listOf(wanted)}/${encodeURIComponent(wanted.name)}`;
}
