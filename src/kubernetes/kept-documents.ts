import { CoreV1Api } from "@kubernetes/client-node";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

const place = { namespace: "kube-system", name: "eks-access-last-good" };
const fieldManager = "eks-access";

/** Where a cluster keeps the last good documents: a ConfigMap of its own, which outlives `aws-auth`. */
export interface KeptDocuments {
  /** Empty where there is none. */
  readKept(): Promise<Readonly<Record<string, string>>>;
  /** All of it from now on. `cluster-conflict` where somebody else wrote at the same time. */
  writeKept(data: Readonly<Record<string, string>>): Promise<void>;
}

/** The calls about the kept documents of one cluster. */
export function keptDocuments(connection: Connection, cluster: string): KeptDocuments {
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
