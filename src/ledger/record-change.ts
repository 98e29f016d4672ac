import type { Json } from "../access/audit/canonical-json.ts";
import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { isOver } from "../access/lease/due-work.ts";
import { isToReview } from "../access/lease/review.ts";
import { isToSignIn } from "../access/lease/sign-in.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { dueAt } from "../access/request/request.ts";
import type { Job } from "./jobs.ts";
import type { CommitResult, LedgerChange, RequestLedger } from "./ledger.ts";
import { type RecordContext, record, type Step, update } from "./lifecycle.ts";

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
 * Writes a change that nobody has to decide again about: where somebody else was first, what is still due is found again.
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
  const commit = (change: { readonly after: AccessRequest; readonly event: AuditEvent | null }) =>
    context.ledger.commit({ ...limit, ...change });
  return record(context, { commit }, { after, event }, wakesOf(after, now));
}

/** What is decided about a request; see `recordChange` for an event that is null. */
export type RequestStep<Outcome> = Step<AccessRequest, AuditEvent | null, Outcome>;

/** Reads a request, decides, writes, and does so again where somebody else was first (`update`). @throws AccessError */
export function updateRequest<Outcome>(
  context: RecordContext<Pick<RequestLedger, "get" | "commit">> & { readonly now: () => Date },
  id: string,
  decide: (current: AccessRequest | null) => RequestStep<Outcome> | Promise<RequestStep<Outcome>>,
): Promise<Outcome> {
  const get = (each: string) => context.ledger.get(each);
  const commit = ({ after, event }: { readonly after: AccessRequest; readonly event: AuditEvent | null }) =>
    recordChange(context, after, event, context.now());
  return update(id, { get, commit }, decide);
}

/** What of the cluster of a request that is due is to be looked at. */
export function lookFor(request: AccessRequest, now: Date): "preview" | "end" | "reconcile" {
  if (request.state === "pending") return "preview";
  return request.state === "approved" && isOver(request, now) ? "end" : "reconcile";
}

function wakesOf(request: AccessRequest, now: Date): readonly Job[] {
  const { id, cluster, lease } = request;
  const due = dueAt(request);
  const wakes: Job[] = [{ type: "show-request", request: id }];
  if (due !== null && due <= now.getTime()) wakes.push({ type: lookFor(request, now), cluster });
  if (isToSignIn(lease, now) || isToReview(lease, now)) wakes.push({ type: "sign-in", cluster });
  return wakes;
}
