import type { Cluster } from "../policy/cluster.ts";
import { type AccessRequest, revise } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { record } from "./outcome.ts";

/**
 * Somebody edited our annotation, or our tags. It is not believed: what the records themselves remember, sealed, takes its place,
 * and it is written anew. The event hangs on one of the requests that it spoke of.
 */
export async function noteUntrusted(
  context: WorkerContext,
  cluster: Cluster,
  open: readonly AccessRequest[],
  why: string,
): Promise<void> {
  context.log.error({ cluster: cluster.name, why }, "the cluster's own memory of our grants is not ours");
  const [first] = open.filter((request) => request.grant);
  if (first) await record(context, revise(first, {}), "annotation.refused", { why });
}

/**
 * The record says that a grant is in force, or is to be, whose approval was taken back: it is one of before, put back
 * into the ledger by whoever can write there, or with an old copy of it. It ends at once.
 */
export async function noteReplayed(context: WorkerContext, request: AccessRequest): Promise<void> {
  if (!request.grant) return;
  context.log.error({ request: request.id }, "a record from before its approval was taken back is in the ledger again");
  const end = { cause: "replayed" as const, by: "worker", at: context.now().toISOString(), why: "" };
  const after = revise(request, { grant: { ...request.grant, end }, trouble: null });
  await record(context, after, "grant.replayed", { approvers: request.approvals.map(({ by }) => by) });
}
