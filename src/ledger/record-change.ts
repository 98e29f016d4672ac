import type { Logger } from "pino";
import type { Json } from "../access/audit/canonical-json.ts";
import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { isOver } from "../access/lease/due-work.ts";
import { isToReview } from "../access/lease/review.ts";
import { isToSignIn } from "../access/lease/sign-in.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { dueAt } from "../access/request/request.ts";
import { recordedEvents } from "../operations/metrics/announcements.ts";
import { placeOf, rememberTrace, type TraceContext } from "../operations/tracing/request-traces.ts";
import { traced } from "../operations/tracing/traced.ts";
import type { CommitResult, LedgerChange, RequestLedger } from "./ledger.ts";
import { type Queues, wake } from "./queues.ts";

/** What a change of a request is recorded with: no more of the ledger than a commit. A context that extends it says what else it has. */
export interface RecordContext<Uses = Pick<RequestLedger, "commit">> extends TraceContext {
  readonly ledger: Uses;
  readonly queues: Queues;
  readonly log: Logger;
}

/** The event that tells of a change of a request. `detail` holds what the record alone does not tell later. */
export function eventOf(
  type: EventType,
  request: AccessRequest,
  actor: string,
  now: Date,
  detail: { readonly [key: string]: Json } = {},
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: request.id, cluster: request.cluster, detail };
}

/**
 * Writes a change with its event into the ledger and wakes who must act on it. A wake-up that fails loses nothing:
 * the sweep finds what is due and what is not shown.
 *
 * @param event null: only for one more try that failed as an event has told (`isToBeTold`)
 */
export function recordChange(
  context: RecordContext,
  after: AccessRequest,
  event: AuditEvent | null,
  now: Date,
  limit: Pick<LedgerChange, "mostPending"> = {},
): Promise<CommitResult> {
  return traced({ name: `record ${event?.type ?? "one more try"}`, ...placeOf(context, after) }, () =>
    commitAndWake(context, { ...limit, after, event }, now),
  );
}

async function commitAndWake(context: RecordContext, change: LedgerChange, now: Date): Promise<CommitResult> {
  const { ledger, queues, log } = context;
  const { after, event } = change;
  const result = await ledger.commit(change);
  if (result.type === "conflict") return result;
  if (event) recordedEvents.tell(event);
  log.info({ request: after.id, cluster: after.cluster, event: event?.type ?? "one more try" }, "recorded");
  // Before anybody is woken, who would look for it.
  await rememberTrace(context, after.id);
  await wakeFor(queues, after, now).catch((error: unknown) => {
    log.warn({ request: after.id, err: error }, "could not wake the queue; the sweep will");
  });
  return result;
}

/** For what the cluster of a request that is due is to be looked at. */
export function lookFor(request: AccessRequest, now: Date): "preview" | "end" | "reconcile" {
  if (request.state === "pending") return "preview";
  return isOver(request, now) ? "end" : "reconcile";
}

/** All at once: an acknowledgement may wait for it. */
async function wakeFor(queues: Queues, request: AccessRequest, now: Date): Promise<void> {
  const { cluster, grant } = request;
  const due = dueAt(request);
  const look = lookFor(request, now);
  await Promise.all([
    due !== null && due <= now.getTime() && wake(queues, { type: look, cluster }),
    (isToSignIn(grant, now) || isToReview(grant, now)) && wake(queues, { type: "sign-in", cluster }),
    wake(queues, { type: "show-request", request: request.id }),
  ]);
}
