import { accessEntriesOf } from "../../aws/access-entries.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { clusterArnOf } from "../../policy/cluster-arn.ts";
import type { AccessRequest } from "../../request/request.ts";
import { isRescue } from "../../rescue/lease.ts";
import type { WorkerContext } from "../context.ts";
import { addressOf } from "../open/open-cluster.ts";
import { end } from "../reconcile/outcome.ts";
import { putOff } from "../reconcile/put-off.ts";
import { namingOwnPolicy, takeLease } from "./rescue-lease.ts";

/**
 * Ends the rescues of a cluster whose time is over, or that somebody revoked, with the worker's own identity: whoever created
 * the cluster may be what was lost. One that can't be ended now is tried again.
 */
export async function endRescues(context: WorkerContext, cluster: Cluster): Promise<void> {
  const over = (await context.ledger.grantedOf(cluster.name)).filter(
    (request) => isRescue(request) && isOver(request, context.now()),
  );
  for (const request of over) {
    try {
      await takeEntry(context, cluster, request.principal, request.id);
      await end(context, request, null);
    } catch (error) {
      context.log.warn({ cluster: cluster.name, request: request.id, err: error }, "could not end a rescue");
      await putOff(context, request, namingOwnPolicy(error));
    }
  }
}

/** @throws AccessError */
export async function takeEntry(
  { sealKeys }: Pick<WorkerContext, "sealKeys">,
  cluster: Cluster,
  principalArn: string,
  id: string,
): Promise<void> {
  const entries = accessEntriesOf("default", addressOf(cluster));
  try {
    await takeLease({ entries, clusterArn: clusterArnOf(cluster), principalArn, sealKeys }, id);
  } finally {
    entries.close();
  }
}

function isOver({ grant, trouble }: AccessRequest, now: Date): boolean {
  if (!grant || (trouble && Date.parse(trouble.retryAt) > now.getTime())) return false;
  return grant.end !== null || Date.parse(grant.endsAt) <= now.getTime();
}
