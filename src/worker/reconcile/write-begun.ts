import { AccessError } from "../../access/access-error.ts";
import { keptWith, putNewest } from "../../access/collections.ts";
import { sealPlace } from "../../access/lease/holding.ts";
import type { Lease } from "../../access/lease/lease-record.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { withLease } from "../../access/request.ts";
import { eventOf, recordChanged } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { idsElsewhere } from "./outcome.ts";
import type { WayRun } from "./way-adapter.ts";

// What the ledger knows before a cluster does: a process that dies in between leaves nothing unknown.

/** Records that a write begins; for bindings, which have no fence, also that one is sent again. */
export async function recordWriteBegun(
  { context, cluster, adapter }: WayRun,
  request: ApprovedRequest,
): Promise<ApprovedRequest> {
  const { writeBegan: before, state } = request.lease;
  const answered = answeredWrites(context.ledger);
  // A run can stop between its records and its calls, for example because another one begins.
  const isAnswered = state === "scheduled" && answered.get(request.id) === before;
  if (before !== null) return adapter.way === "binding" && !isAnswered ? recordSentAgain(context, request) : request;
  const writeBegan = context.now().toISOString();
  const place = sealPlace(cluster, request, context.keys.memory);
  const after = await recordWriting(context, request, { ...request.lease, writeBegan, place });
  putNewest(answered, request.id, writeBegan, maxAnswered);
  return after;
}

const maxAnswered = 10_000;

/** By id: when this process recorded a lease's first write, while each call that it sent for it has its answer. */
export const answeredWrites = keptWith((_: WorkerContext["ledger"]) => new Map<string, string>());

/** Records that a call that gives the lease is sent again: if it gets no answer, the lease's end waits until it can't arrive. */
export function recordSentAgain(context: WorkerContext, request: ApprovedRequest): Promise<ApprovedRequest> {
  return recordWriting(context, request, { ...request.lease, sentAgainAt: context.now().toISOString() });
}

/** @throws AccessError `record-changed` */
async function recordWriting(context: WorkerContext, request: ApprovedRequest, lease: Lease): Promise<ApprovedRequest> {
  const now = context.now();
  const after = withLease(request, lease);
  // Without a wake-up: the outcome follows soon, and the sweep finds the record if the process dies.
  const event = eventOf("lease.writing", request, "worker", now, idsElsewhere(context, [], request));
  const result = await context.ledger.commit({ before: request, after, event });
  if (result.type === "conflict") throw recordChanged(request.id);
  return after;
}

/** A run that just proved the lease can then not record it as active (law 5). @throws AccessError `cluster-conflict` */
export async function recordVoidBegun(context: WorkerContext, request: ApprovedRequest): Promise<ApprovedRequest> {
  const { writeBegan, voidSince } = request.lease;
  if (writeBegan === null || voidSince !== null) return request;
  const now = context.now();
  const after = withLease(request, { ...request.lease, voidSince: now.toISOString() });
  const event = eventOf("lease.delayed", request, "worker", now, { voidSince: now.toISOString() });
  const result = await context.ledger.commit({ before: request, after, event });
  if (result.type === "conflict") throw new AccessError("cluster-conflict", recordChanged(request.id).what);
  return after;
}
