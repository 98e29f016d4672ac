import { z } from "zod";
import { type OperatorObject, objectInWords } from "../access/policy/operator.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

/** An object in the cluster, compared with the wanted one. */
export type ObjectState = "absent" | "as wanted" | "different";

/** Calls for the roles, bindings and ConfigMaps of an operator. Each throws an AccessError. */
export interface OperatorObjects {
  objectState(wanted: OperatorObject): Promise<ObjectState>;
  /**
   * Creates the object, or makes it as wanted. `cluster-conflict` after a concurrent write; `cluster-refused-write` for a binding of
   * another role, which Kubernetes does not change.
   */
  writeObject(wanted: OperatorObject): Promise<void>;
}

/** All other metadata goes back unchanged. */
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

export function operatorObjectCalls(connection: Connection, cluster: string): OperatorObjects {
  return {
    objectState: async (wanted) => stateOf(await read(connection, cluster, wanted), wanted),
    writeObject: async (wanted) => {
      const found = await read(connection, cluster, wanted);
      if (stateOf(found, wanted) === "as wanted") return;
      const apiVersion = wanted.kind === "ConfigMap" ? "v1" : rbac;
      const { kind, name, namespace, content } = wanted;
      const metadata = { name, ...(namespace !== null && { namespace }) };
      const call = found
        ? {
            method: "PUT" as const,
            path: pathOf(wanted),
            body: { apiVersion, kind, metadata: found.metadata, ...content },
          }
        : { method: "POST" as const, path: listOf(wanted), body: { apiVersion, kind, metadata, ...content } };
      try {
        await connection.send({ ...call, query: { fieldManager } });
      } catch (error) {
        throw kubernetesFailure(error, `${call.method} ${objectInWords(wanted)} of cluster ${cluster}`);
      }
    },
  };
}

type Found = z.infer<typeof shape>;

async function read(connection: Connection, cluster: string, wanted: OperatorObject): Promise<Found | null> {
  try {
    return (await connection.ask({ method: "GET", path: pathOf(wanted) }, shape)).value;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw kubernetesFailure(error, `GET ${objectInWords(wanted)} of cluster ${cluster}`);
  }
}

function stateOf(found: Found | null, { content }: OperatorObject): ObjectState {
  if (!found) return "absent";
  // A controller would add the rights of other roles to such a role.
  if (found.aggregationRule) return "different";
  const isSame = Object.entries(content).every(([field, value]) => textOf(found[field]) === textOf(value));
  return isSame ? "as wanted" : "different";
}

/** The order of fields does not count; the API server keeps that of lists. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => a.localeCompare(b)))
      : each,
  );
}

function listOf({ kind, namespace }: OperatorObject): string {
  const root = kind === "ConfigMap" ? "/api/v1" : `/apis/${rbac}`;
  return `${root}${namespace === null ? "" : `/namespaces/${namespace}`}/${plurals[kind]}`;
}

function pathOf(wanted: OperatorObject): string {
  return `${listOf(wanted)}/${encodeURIComponent(wanted.name)}`;
}
