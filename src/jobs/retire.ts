import type { EventType } from "../audit/event.ts";
import { AccessError } from "../failure/access-error.ts";
import { type Closing, closeForGoneCluster } from "../grant/close.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { openCluster } from "./open-cluster.ts";
import { eventOf, recordChange } from "./record-change.ts";

/** Whether AWS says that a cluster is gone. @throws AccessError where it does not say */
export async function isGone(context: WorkerContext, cluster: Cluster): Promise<boolean> {
  try {
    const opened = await openCluster(context, cluster, [{ id: "retire", requester: "operator" }]);
    opened.close();
    return false;
  } catch (error) {
    if (error instanceof AccessError && error.code === "cluster-not-found") return true;
    throw error;
  }
}

/** Closes all that is open in a cluster that is gone, each with its event. @returns ids */
export async function closeAllOf(context: WorkerContext, name: string, closing: Closing): Promise<readonly string[]> {
  const open = await context.ledger.openOf(name);
  for (const request of open) await close(context, request, closing);
  return open.map(({ id }) => id);
}

async function close(context: WorkerContext, request: AccessRequest, closing: Closing): Promise<void> {
  const now = context.now();
  const after = closeForGoneCluster(request, closing, now);
  const detail = { code: "cluster-gone", why: closing.why, seen: closing.seen };
  const result = await recordChange(context, after, eventOf(typeOf(after), after, closing.by, now, detail), now);
  if (result.type === "conflict" && result.current) await close(context, result.current, closing);
}

function typeOf({ grant }: AccessRequest): EventType {
  if (!grant) return "request.refused";
  return grant.state === "ended" ? "grant.ended" : "grant.failed";
}
