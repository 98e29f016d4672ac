import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type OperatorObject, objectInWords } from "../access/policy/operator-rights.ts";
import type { GroupRight } from "../access/policy/rights.ts";
import { type AwsAuthStore, awsAuthStore, type ConfigMapObject, configMapAt } from "./config-map.ts";
import { type ClusterEndpoint, type Connection, createConnection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";
import { type GroupBinding, groupRights, type RoleBindings, roleBindings } from "./group-bindings.ts";
import { type LeaseBindings, leaseBindings } from "./lease-bindings.ts";
import { type Reviews, reviews } from "./reviews.ts";

/** Our own ConfigMaps, which outlive `aws-auth`. */
const lastGood = { namespace: "kube-system", name: "eks-access-last-good" };
const stored = { namespace: "kube-system", name: "eks-access-withdrawals" };

const podNames = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** The client of one cluster, as one identity. Each call throws an `AccessError`, usually with a `cluster-…` code. */
export interface ClusterClient extends AwsAuthStore, KeptTexts, LeaseBindings, OperatorObjects, Reviews {
  /** Names of pods: the first 500, or `limit`. An empty namespace means every one. */
  listPods(namespace: string, limit?: number): Promise<readonly string[]>;
  /** What RBAC binds to each group and to each user. */
  roleBindings(): Promise<RoleBindings>;
  /** What these groups can do by these bindings, in words. */
  groupRights(
    bindings: ReadonlyMap<string, readonly GroupBinding[]>,
    groups: readonly string[],
  ): Promise<readonly GroupRight[]>;
  close(): void;
}

export function connectCluster(
  cluster: ClusterEndpoint,
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): ClusterClient {
  const connection = createConnection(cluster, timeoutMs);
  return {
    ...awsAuthStore(connection, cluster.name),
    ...keptTexts(connection, cluster.name),
    ...leaseBindings(connection, cluster.name),
    ...operatorObjectCalls(connection, cluster.name),
    ...reviews(connection, cluster.name),
    listPods: async (namespace, limit = 500) => {
      const path = namespace === "" ? "/api/v1/pods" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      try {
        const { value } = await connection.ask({ method: "GET", path, query: { limit: String(limit) } }, podNames);
        return value.items.map(({ metadata }) => metadata.name);
      } catch (error) {
        throw kubernetesFailure(error, `GET pods in ${namespace || "every namespace"} of cluster ${cluster.name}`);
      }
    },
    roleBindings: () => roleBindings(connection, cluster.name),
    groupRights: (bindings, groups) => groupRights(connection, cluster.name, bindings, groups),
    close: connection.close,
  };
}

type Texts = Readonly<Record<string, string>>;

/** What our own ConfigMaps in a cluster keep: the last good documents, and the withdrawals of leases by binding. */
interface KeptTexts {
  readKept(): Promise<Texts>;
  /** Replaces all of it. `cluster-conflict` after a concurrent write. */
  writeKept(data: Texts): Promise<void>;
  readWithdrawals(): Promise<StoredWithdrawals>;
  /** Replaces all of it. `cluster-conflict` after any write since `before` was read. */
  writeWithdrawals(before: StoredWithdrawals, data: Texts): Promise<void>;
}

export interface StoredWithdrawals {
  readonly data: Texts;
  readonly object: ConfigMapObject | null;
}

function keptTexts(connection: Connection, cluster: string): KeptTexts {
  const documents = textsAt(connection, cluster, lastGood);
  const withdrawals = textsAt(connection, cluster, stored);
  return {
    readKept: async () => (await documents.read()).data,
    writeKept: async (data) => documents.write(await documents.read(), data),
    readWithdrawals: withdrawals.read,
    writeWithdrawals: withdrawals.write,
  };
}

function textsAt(connection: Connection, cluster: string, place: typeof lastGood) {
  const configMap = configMapAt(connection, cluster, place);
  return {
    read: async (): Promise<StoredWithdrawals> => {
      const object = await configMap.read();
      return { data: object?.data ?? {}, object };
    },
    write: async ({ object }: StoredWithdrawals, data: Texts): Promise<void> => {
      if (object) await configMap.replace({ ...object, data: { ...data } });
      else await configMap.create({ apiVersion: "v1", kind: "ConfigMap", metadata: place, data: { ...data } }, false);
    },
  };
}

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

function operatorObjectCalls(connection: Connection, cluster: string): OperatorObjects {
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
