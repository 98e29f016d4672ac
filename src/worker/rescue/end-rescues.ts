import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isRescue } from "../../access/rescue/lease.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import type { WorkerContext } from "../context.ts";
import { knownCreator } from "../open/discover-creator.ts";
import { openEksToManage } from "../open/open-eks.ts";
import type { Errand } from "../open/session-of.ts";
import { end } from "../reconcile/outcome.ts";
import { putOff } from "../reconcile/put-off.ts";
import { namingOwnPolicy, takeLease } from "./rescue-lease.ts";

/**
 * Ends the rescues of a cluster whose time is over, or that somebody revoked, as who rescues it: whoever created the cluster may
 * be what was lost. One that can't be ended now is tried again.
 */
export async function endRescues(context: WorkerContext, cluster: Cluster): Promise<void> {
  const over = (await context.ledger.grantedOf(cluster.name)).filter(
    (request) => isRescue(request) && isOver(request, context.now()),
  );
  for (const request of over) {
    try {
      const eks = await openRescuer(context, cluster, request);
      await takeEntry(context, eks, request.principal, request.id);
      await end(context, request, null);
    } catch (error) {
      context.log.warn({ cluster: cluster.name, request: request.id, err: error }, "could not end a rescue");
      await putOff(context, request, namingOwnPolicy(error));
    }
  }
}

/** EKS as who rescues the cluster. @throws AccessError */
export function openRescuer(context: WorkerContext, cluster: Cluster, errand: Errand): Promise<EksCluster> {
  return openEksToManage(cluster, [errand], () => knownCreator(context, cluster));
}

/** @throws AccessError */
export async function takeEntry(
  { keys }: Pick<WorkerContext, "keys">,
  eks: EksCluster,
  principalArn: string,
  id: string,
): Promise<void> {
  const entries = accessEntriesOf(eks);
  try {
    await takeLease({ entries, clusterArn: eks.description.arn, principalArn, keys: keys.memory }, id);
  } finally {
    entries.close();
  }
}

function isOver({ lease, trouble }: AccessRequest, now: Date): boolean {
  if (!lease || (trouble && Date.parse(trouble.retryAt) > now.getTime())) return false;
  return lease.end !== null || Date.parse(lease.endsAt) <= now.getTime();
}
