import { type AccessRequest, revise } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { wakeCluster, wakeMessage } from "./queues.ts";
import { eventOf, recordChange } from "./record-change.ts";

const batch = 1000;

/**
 * The net under every wake-up and the clock of every lease: finds what is due in the ledger and which messages do not
 * show it yet.
 */
export async function sweep(context: WorkerContext): Promise<void> {
  const { ledger, queues, log } = context;
  const now = context.now();
  const due = await ledger.due(now, batch);
  const wakes = new Map<string, { type: "preview" | "reconcile"; cluster: string }>();
  for (const request of due) {
    if (hasLapsed(request, now)) await lapse(context, request, now);
    else {
      const type = request.state === "pending" ? "preview" : "reconcile";
      wakes.set(`${type} ${request.cluster}`, { type, cluster: request.cluster });
    }
  }
  for (const { type, cluster } of wakes.values()) await wakeCluster(queues, type, cluster);
  const unshown = await ledger.unshown(batch);
  for (const id of unshown) await wakeMessage(queues, id);
  if (due.length > 0) log.debug({ due: due.length, clusters: wakes.size, unshown: unshown.length }, "swept");
}

function hasLapsed(request: AccessRequest, now: Date): boolean {
  return request.state === "pending" && Date.parse(request.lapsesAt) <= now.getTime();
}

async function lapse(context: WorkerContext, request: AccessRequest, now: Date): Promise<void> {
  const after = revise(request, { state: "lapsed", trouble: null });
  await recordChange(context, after, eventOf("request.lapsed", request, "worker", now), now);
}
