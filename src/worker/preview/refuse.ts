import { isLeaseOver } from "../../access/request/extension.ts";
import type { AccessRequest, Because, PendingRequest } from "../../access/request/record.ts";
import { refused } from "../../access/request/transitions.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

/** Closes a request that nobody can decide about, and says why. */
export async function refuse(
  context: WorkerContext<RequestLedger>,
  request: PendingRequest,
  refusal: Because,
): Promise<void> {
  const now = context.now();
  const event = eventOf("request.refused", request, "worker", now, { code: refusal.code });
  await recordChange(context, refused(request, refusal), event, now);
}

/** Whether the lease that a request extends is over, or being ended. */
export async function hasNothingToExtend(
  { ledger, now }: WorkerContext<RequestLedger>,
  request: AccessRequest,
): Promise<boolean> {
  const extended = request.extends === null ? null : await ledger.get(request.extends);
  return extended !== null && isLeaseOver(extended, now());
}

/** Why an extension of a lease that is over is closed. */
export function nothingToExtend(request: AccessRequest): Because {
  const message = `${request.extends} has ended, so there is nothing to extend any more. Ask for access again.`;
  return { code: "lease-over", message };
}
