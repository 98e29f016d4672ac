import { z } from "zod";
import type { GroupRight } from "../access/policy/rights.ts";
import { type AwsAuthStore, awsAuthStore, configMapAt } from "./config-map.ts";
import { type ClusterEndpoint, type Connection, createConnection } from "./connection.ts";
import { kubernetesFailure } from "./explain-kubernetes-error.ts";
import { type GroupBinding, groupRights, type RoleBindings, roleBindings } from "./group-bindings.ts";
import { type LeaseBindings, leaseBindings } from "./lease-bindings.ts";
import { type Reviews, reviews } from "./reviews.ts";

const place = { namespace: "kube-system", name: "eks-access-last-good" };

const podNames = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** All that we ask of one cluster, with one identity. Each call fails with an `AccessError`, of a `cluster-…` code where it names no other. */
export interface ClusterClient extends AwsAuthStore, KeptDocuments, LeaseBindings, Reviews {
  /** Names of pods: the first 500, or as many as `limit` says. An empty namespace means every one. */
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
  return {
    ...awsAuthStore(connection, cluster.name),
    ...keptDocuments(connection, cluster.name),
    ...leaseBindings(connection, cluster.name),
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

/** Where a cluster keeps the last good documents: a ConfigMap of its own, which outlives `aws-auth`. */
interface KeptDocuments {
  /** Empty where there is none. */
  readKept(): Promise<Readonly<Record<string, string>>>;
  /** All of it from now on. `cluster-conflict` after a concurrent write. */
  writeKept(data: Readonly<Record<string, string>>): Promise<void>;
}

/** The calls about the kept documents of one cluster. */
function keptDocuments(connection: Connection, cluster: string): KeptDocuments {
  const configMap = configMapAt(connection, cluster, place);
  return {
    readKept: async () => (await configMap.read())?.data ?? {},
    writeKept: async (data) => {
      const before = await configMap.read();
      if (before) await configMap.replace({ ...before, data: { ...data } }, false);
      else await configMap.create({ apiVersion: "v1", kind: "ConfigMap", metadata: place, data: { ...data } }, false);
    },
  };
}
