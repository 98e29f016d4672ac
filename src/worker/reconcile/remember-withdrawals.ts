import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { WorkerContext } from "../context.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Content } from "./plan-settlement.ts";
import { needsWrite, rehearseWrite, textsOf, writeDocument } from "./write-document.ts";

/**
 * Where nothing can be changed, what was taken back is remembered at least. That it can't be must not hide why nothing
 * can.
 *
 * @throws AccessError `cluster-conflict` where somebody else wrote meanwhile
 */
export async function rememberWithdrawals(
  { log, keys }: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  state: ClusterState,
  content: Content,
): Promise<void> {
  try {
    const after = textsOf(state, cluster, content, keys.memory);
    if (!needsWrite(state, after)) return;
    await rehearseWrite(client, state, after);
    await writeDocument(client, cluster, state, after);
  } catch (error) {
    if (error instanceof AccessError && error.code === "cluster-conflict") throw error;
    log.warn({ cluster: cluster.name, err: error }, "could not remember what was taken back");
  }
}
