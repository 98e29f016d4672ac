import { CoreV1Api } from "@kubernetes/client-node";
import type { GroupRight } from "../access/policy/rights.ts";
import { type AwsAuthStore, awsAuthStore } from "./config-map.ts";
import type { Connection } from "./connection.ts";
import { type ClusterEndpoint, createConnection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";
import { type GroupBinding, groupRights, type RoleBindings, roleBindings } from "./group-bindings.ts";
import { type Reviews, reviews } from "./reviews.ts";

const place = { namespace: "kube-system", name: "eks-access-last-good" };

const fieldManager = "eks-access";

/** All that we ask of one cluster, with one identity. Each call fails with an `AccessError` of a `cluster-…` code. */
export interface ClusterClient extends AwsAuthStore, KeptDocuments, Reviews {
  /** Names of pods: the first 500, or as many as told. An empty namespace stands for every one. */
  listPods(namespace: string, limit?: number): Promise<readonly string[]>;
  /** What RBAC binds to each group and to each user. */
  roleBindings(): Promise<RoleBindings>;
  /** What these groups may do by these bindings, in words. */
  groupRights(
    bindings: ReadonlyMap<string, readonly GroupBinding[]>,
    groups: readonly string[],
  ): Promise<readonly GroupRight[]>;
  /** Ends the calls that run and closes the connections. */
  close(): void;
}

/** A client for one cluster. `timeoutMs` holds for each call in the place of the configured deadlines. */
export function connectCluster(
  cluster: ClusterEndpoint,
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): ClusterClient {
  const connection = createConnection(cluster, timeoutMs);
  const core = new CoreV1Api(connection.configuration);
  return {
    ...awsAuthStore(connection, cluster.name),
    ...keptDocuments(connection, cluster.name),
    ...reviews(connection, cluster.name),
    listPods: async (namespace, limit = 500) => {
      try {
        const { items } = await (namespace === ""
          ? core.listPodForAllNamespaces({ limit })
          : core.listNamespacedPod({ namespace, limit }));
        return items.flatMap((pod) => pod.metadata?.name ?? []);
      } catch (error) {
        throw kubernetesFailure(error, `GET pods in ${namespace || "every namespace"} of cluster ${cluster.name}`);
      }
    },
    roleBindings: () => roleBindings(connection, cluster.name),
    groupRights: (bindings, groups) => groupRights(connection, cluster.name, bindings, groups),
    close: connection.close,
  };
}

/** Where a cluster keeps the last good documents: a ConfigMap of its own, which outlives `aws-auth`. */
interface KeptDocuments {
  /** Empty where there is none. */
  readKept(): Promise<Readonly<Record<string, string>>>;
  /** All of it from now on. `cluster-conflict` where somebody else wrote at the same time. */
  writeKept(data: Readonly<Record<string, string>>): Promise<void>;
}

/** The calls about the kept documents of one cluster. */
function keptDocuments(connection: Connection, cluster: string): KeptDocuments {
  const core = new CoreV1Api(connection.configuration);
  const call = `configmap ${place.name} of cluster ${cluster}`;
  const read = async () => {
    try {
      return await core.readNamespacedConfigMap(place);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw kubernetesFailure(error, `GET ${call}`);
    }
  };
  return {
    readKept: async () => (await read())?.data ?? {},
    writeKept: async (data) => {
      const before = await read();
      const body = {
        ...before,
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: before?.metadata ?? place,
        data: { ...data },
      };
      try {
        if (before) await core.replaceNamespacedConfigMap({ ...place, body, fieldManager });
        else await core.createNamespacedConfigMap({ ...place, body, fieldManager });
      } catch (error) {
        throw kubernetesFailure(error, `PUT ${call}`);
      }
    },
  };
}
