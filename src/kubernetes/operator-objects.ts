import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type OperatorObject, objectInWords } from "../access/policy/operator-rights.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

export type ObjectState = "absent" | "as wanted" | "different";

/** Calls for the roles, bindings and ConfigMaps of an operator. Each throws an AccessError. */
export interface OperatorObjects {
  objectState(wanted: OperatorObject): Promise<ObjectState>;
  /** `cluster-conflict` after a concurrent write; `cluster-refused-write` for another role's binding. */
  writeObject(wanted: OperatorObject): Promise<void>;
}

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

export async function objectState(
  connection: Connection,
  cluster: string,
  wanted: OperatorObject,
): Promise<ObjectState> {
  return stateOf(await read(connection, cluster, wanted), wanted);
}

export async function writeObject(connection: Connection, cluster: string, wanted: OperatorObject): Promise<void> {
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
