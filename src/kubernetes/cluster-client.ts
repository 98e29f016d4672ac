import { z } from "zod";
import type { GroupRight } from "../access/policy/rights.ts";
import { type AwsAuthStore, awsAuthStore, type ConfigMapObject, configMapAt } from "./config-map.ts";
import { type ClusterEndpoint, type Connection, createConnection } from "./connection.ts";
import { kubernetesFailure } from "./explain-kubernetes-error.ts";
import { type GroupBinding, groupRights, type RoleBindings, roleBindings } from "./group-bindings.ts";
import { type LeaseBindings, leaseBindings } from "./lease-bindings.ts";
import { type OperatorObjects, operatorObjectCalls } from "./operator-objects.ts";
import { type Reviews, reviews } from "./reviews.ts";

/** Our own ConfigMaps, which outlive `aws-auth`. */
const lastGood = { namespace: "kube-system", name: "eks-access-last-good" };
const takenBack = { namespace: "kube-system", name: "eks-access-taken-back" };

const podNames = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/**
 * The client of one cluster, as one identity. Each call throws an `AccessError`, with a `cluster-…` code unless it names another
 * one.
 */
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

/** A client for one cluster. `timeoutMs` replaces the configured deadlines of each call. */
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

/** What a cluster keeps for us in our own ConfigMaps: the last good documents, and the withdrawals of leases by binding. */
interface KeptTexts {
  /** Empty: there is none. */
  readKept(): Promise<Texts>;
  /** Replaces all of it. `cluster-conflict` after a concurrent write. */
  writeKept(data: Texts): Promise<void>;
  readTakenBack(): Promise<TakenBack>;
  /** Replaces all of it. `cluster-conflict` after any write since `before` was read. */
  writeTakenBack(before: TakenBack, data: Texts): Promise<void>;
}

/** The withdrawals, as read. */
export interface TakenBack {
  readonly data: Texts;
  readonly object: ConfigMapObject | null;
}

function keptTexts(connection: Connection, cluster: string): KeptTexts {
  const documents = textsAt(connection, cluster, lastGood);
  const withdrawals = textsAt(connection, cluster, takenBack);
  return {
    readKept: async () => (await documents.read()).data,
    writeKept: async (data) => documents.write(await documents.read(), data),
    readTakenBack: withdrawals.read,
    writeTakenBack: withdrawals.write,
  };
}

function textsAt(connection: Connection, cluster: string, place: typeof lastGood) {
  const configMap = configMapAt(connection, cluster, place);
  return {
    read: async (): Promise<TakenBack> => {
      const object = await configMap.read();
      return { data: object?.data ?? {}, object };
    },
    write: async ({ object }: TakenBack, data: Texts): Promise<void> => {
      if (object) await configMap.replace({ ...object, data: { ...data } });
      else await configMap.create({ apiVersion: "v1", kind: "ConfigMap", metadata: place, data: { ...data } }, false);
    },
  };
}
