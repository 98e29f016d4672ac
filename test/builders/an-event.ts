import type { AuditEvent, EventType } from "../../src/access/audit-event.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { LedgerChange } from "../../src/ledger/ledger.ts";
import { at } from "./times.ts";

/** An event about a request. */
export function anEvent(change: Partial<AuditEvent> = {}): AuditEvent {
  return {
    type: "request.created",
    at: at(0).toISOString(),
    actor: "U0ENGINEER",
    request: "r-1",
    cluster: "staging",
    detail: {},
    ...change,
  };
}

/** A change of the ledger: this record, with its event. */
export function aChange(
  after: AccessRequest,
  type: EventType = "request.created",
): LedgerChange & { readonly event: AuditEvent } {
  return { after, event: anEvent({ type, request: after.id, cluster: after.cluster }) };
}
