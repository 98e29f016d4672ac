import { isLeaseOver } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { revise } from "../../access/request/request.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

/** Closes a request that nobody can decide about, and says why. */
export async function refuse(
  context: WorkerContext<RequestLedger>,
  request: AccessRequest,
  refusal: { readonly code: string; readonly message: string },
): Promise<void> {
  const now = context.now();
  const { code, message } = refusal;
  const after = revise(request, { state: "refused", refusal: { code, message }, trouble: null });
  await recordChange(context, after, eventOf("request.refused", request, "worker", now, { code }), now);
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
export function nothingToExtend(request: AccessRequest): { readonly code: string; readonly message: string } {
  const message = `${request.extends} has ended, so there is nothing to extend any more. Ask for access again.`;
  return { code: "lease-over", message };
}
