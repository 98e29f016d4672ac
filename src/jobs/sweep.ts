import { remindOfReview } from "../approval/glass.ts";
import { remind } from "../request/reminder.ts";
import { type AccessRequest, revise } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { type ClusterLook, wakeCluster, wakeMessage } from "./queues.ts";
import { eventOf, recordChange } from "./record-change.ts";

const batch = 1000;
/** Slack takes about one message a second: waking more of them at once only costs Redis. */
const messageBatch = 100;

/**
 * The net under every wake-up and the clock of every lease: finds what is due in the ledger, which messages do not
 * show it yet, and which clusters' memories this ledger has not read.
 */
export async function sweep(context: WorkerContext): Promise<void> {
  const { ledger, queues, config } = context;
  const now = context.now();
  const looks = new Map<string, { type: ClusterLook; cluster: string }>();
  const look = (type: ClusterLook, cluster: string) => looks.set(`${type} ${cluster}`, { type, cluster });
  for (const request of await ledger.due(now, batch)) {
    const reminded = remind(request, now, config.timing.remindAfterSeconds);
    const unreviewed = remindOfReview(request, now);
    if (unreviewed) await recordUnreviewed(context, unreviewed, now);
    else if (hasLapsed(request, now)) await lapse(context, request, now);
    else if (reminded) await recordReminder(context, reminded, now);
    else if (isToBeWarned(request, now)) await warn(context, request, now);
    else look(request.state === "pending" ? "preview" : "reconcile", request.cluster);
  }
  const names = [...config.clusters.keys()];
  const adopted = await ledger.adopted(names);
  for (const name of names) if (!adopted.has(name)) look("adopt", name);
  if (await ledger.takeTurn("inspect", config.timing.inspectEverySeconds * 1000)) {
    for (const name of names) look("inspect", name);
  }
  for (const { type, cluster } of looks.values()) await wakeCluster(queues, type, cluster);
  for (const id of await ledger.unshown(messageBatch)) await wakeMessage(queues, id);
}

function hasLapsed(request: AccessRequest, now: Date): boolean {
  return request.state === "pending" && Date.parse(request.lapsesAt) <= now.getTime();
}

async function lapse(context: WorkerContext, request: AccessRequest, now: Date): Promise<void> {
  const after = revise(request, { state: "lapsed", trouble: null });
  await recordChange(context, after, eventOf("request.lapsed", request, "worker", now), now);
}

async function recordReminder(context: WorkerContext, after: AccessRequest, now: Date): Promise<void> {
  const detail = { sent: after.reminders?.sent ?? 0 };
  await recordChange(context, after, eventOf("request.reminded", after, "worker", now, detail), now);
}

async function recordUnreviewed(context: WorkerContext, after: AccessRequest, now: Date): Promise<void> {
  const detail = { reminders: after.glass?.reminders ?? 0 };
  await recordChange(context, after, eventOf("glass.unreviewed", after, "worker", now, detail), now);
}

function isToBeWarned({ grant }: AccessRequest, now: Date): boolean {
  if (grant?.state !== "active" || grant.end || grant.warnedAt || !grant.warnAt) return false;
  return Date.parse(grant.warnAt) <= now.getTime() && now.getTime() < Date.parse(grant.endsAt);
}

async function warn(context: WorkerContext, request: AccessRequest, now: Date): Promise<void> {
  if (!request.grant) return;
  const after = revise(request, { grant: { ...request.grant, warnedAt: now.toISOString() } });
  await recordChange(context, after, eventOf("grant.warned", request, "worker", now), now);
}
