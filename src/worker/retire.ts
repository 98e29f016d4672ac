import { hasCode } from "../access/access-error.ts";
import { refuseMovedName } from "../access/lease/holding.ts";
import { type ClusterClosure, closeForGoneCluster } from "../access/lease/revoke.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import type { RequestLedger } from "../ledger/ledger.ts";
import { eventOf, updateRequest } from "../ledger/lifecycle.ts";
import { listedIn } from "../ledger/look-ups.ts";
import type { WorkerContext } from "./context.ts";
import { openCluster } from "./open-cluster.ts";

/** Whether AWS says that a cluster is gone. @throws AccessError if it does not answer, or if its leases are of another cluster */
export async function isClusterGone(context: WorkerContext, cluster: Cluster): Promise<boolean> {
  refuseMovedName(cluster, await context.ledger.leasedOf(cluster.name), context.keys.memory);
  try {
    (await openCluster(context, cluster, [{ id: "retire", requester: "operator" }])).close();
    return false;
  } catch (error) {
    if (hasCode(error, "cluster-not-found")) return true;
    throw error;
  }
}

const page = 200;

/** Closes everything open in a cluster that is gone, each with its event. @returns ids */
export async function closeRequestsOfCluster(
  context: WorkerContext<RequestLedger>,
  name: string,
  closing: ClusterClosure,
): Promise<readonly string[]> {
  const closed = new Set<string>();
  const closeEach = async (requests: readonly AccessRequest[]) => {
    for (const request of requests) {
      await close(context, request, closing);
      closed.add(request.id);
    }
  };
  await closeEach(await context.ledger.leasedOf(name));
  // A closed request leaves the list, so the next page is always the first.
  for (;;) {
    const left = (await listedIn(context.ledger, "pending", name, page)).filter(({ id }) => !closed.has(id));
    if (left.length === 0) return [...closed];
    await closeEach(left);
  }
}

async function close(context: WorkerContext<RequestLedger>, request: AccessRequest, closing: ClusterClosure) {
  const detail = { code: "cluster-gone", why: closing.why, seen: closing.isConfirmedByAws };
  await updateRequest<void>(context, request.id, (current) => {
    if (current?.state !== "pending" && current?.state !== "approved") return { type: "stop", outcome: undefined };
    const now = context.now();
    const after = closeForGoneCluster(current, closing, now);
    const ofLease = after.lease?.state === "ended" ? "lease.ended" : "lease.failed";
    const event = eventOf(after.lease ? ofLease : "request.refused", after, closing.by, now, detail);
    return { type: "write", after, event, outcome: undefined };
  });
}
