import { leasesAnnotation } from "../../access/lease/annotation.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { keep } from "../../access/rescue/kept.ts";
import { isWhole } from "../../access/rescue/mending.ts";
import { parseDocument } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import type { WorkerContext } from "../context.ts";

/**
 * Keeps the document in the cluster itself, sealed, where it can be read whole and lets somebody in: what a rescue may
 * write again after somebody broke it. It only helps later, so nothing waits for it.
 *
 * @returns whether it is kept
 */
export async function keepDocument(
  { keys, now, log }: Pick<WorkerContext, "keys" | "now" | "log">,
  client: Pick<ClusterClient, "readKept" | "writeKept">,
  { name }: Cluster,
  configMap: AwsAuthConfigMap | null,
): Promise<boolean> {
  if (!configMap || !isWhole(parseDocument(configMap.data))) return false;
  const document = {
    at: now().toISOString(),
    data: configMap.data,
    leases: configMap.annotations[leasesAnnotation] ?? null,
  };
  try {
    const texts = keep(name, await client.readKept(), document, keys.memory);
    if (texts) await client.writeKept(texts);
    return true;
  } catch (error) {
    log.warn({ cluster: name, err: error }, "the document could not be kept in the cluster");
    return false;
  }
}
