import { AccessError } from "../access/failure/access-error.ts";
import type { AccessRequest } from "../access/request/record.ts";
import type { WorkerContext } from "./context.ts";
import { delay } from "./delay.ts";
import { putOff } from "./reconcile/put-off.ts";

/** Nothing changes before somebody changes the configuration. */
const lookAgainMs = 300_000;

/**
 * Tells of what is due in a cluster that this worker's configuration does not have: nobody can look there, so nothing of it can
 * be given, ended or seen to be gone. A worker that knows the cluster, perhaps started later, goes on with it; where the cluster
 * is gone `eks-access retire` closes it.
 */
export async function strand(context: WorkerContext, request: AccessRequest): Promise<void> {
  const what = `The cluster ${request.cluster} is not in eks-access.yml, so nobody can look after this request`;
  if (request.state !== "pending") {
    return putOff(context, request, new AccessError("cluster-not-configured", what, { retryAfterMs: lookAgainMs }));
  }
  const { code, message } = new AccessError("cluster-not-configured", what);
  await delay(context, request, { code, message });
}
