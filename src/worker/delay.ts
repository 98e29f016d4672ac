import type { AuditEvent } from "../access/audit/event.ts";
import type { Trouble } from "../access/lease/proof-record.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { type Failure, needsEvent, nextTry } from "../access/request/retry.ts";
import { withTrouble } from "../access/request/transitions.ts";
import { eventOf, recordChange } from "../ledger/lifecycle.ts";
import type { WorkerContext } from "./context.ts";

/** Records that the cluster could not be read for a request, and the next try. */
export async function delay(context: WorkerContext, request: AccessRequest, failure: Failure): Promise<void> {
  const now = context.now();
  const trouble = nextTry(request, failure, now);
  const isTold = needsEvent(request.trouble, trouble);
  const event = isTold ? eventOf("request.delayed", request, "worker", now, delayDetail(trouble)) : null;
  await recordChange(context, withTrouble(request, trouble), event, now);
}

/** A failed try in an event: the record itself drops its trouble later. */
export function delayDetail({ code, message, attempts }: Trouble): AuditEvent["detail"] {
  return { code, message, attempts };
}
