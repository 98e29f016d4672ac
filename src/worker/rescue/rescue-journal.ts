import { type AuditEvent, digestOfEvent, type EventType } from "../../access/audit/event.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isClosed, revise } from "../../access/request/request.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { type RecordContext, recordChanged } from "../../ledger/lifecycle.ts";
import { eventOf, updateRequest } from "../../ledger/record-change.ts";

/** Where a rescue is told, step by step, with its event. */
export interface RescueJournal {
  readonly request: () => AccessRequest;
  note: (
    type: EventType,
    change: (request: AccessRequest) => Partial<Omit<AccessRequest, "id" | "version">>,
    detail: AuditEvent["detail"],
  ) => Promise<void>;
}

/** Somebody revoked it, or its time was over, before it gave anything or while it did: what is closed stays closed. */
export function overMeanwhile({ id }: AccessRequest): AccessError {
  return new AccessError("record-changed", `The rescue ${id} was ended meanwhile, and gives nothing any more`, {
    mend: "Begin another one if it is still needed.",
  });
}

/** In the ledger, where the messenger and the sweep find it. */
export function ledgerJournal(
  context: RecordContext<Pick<RequestLedger, "get" | "commit">> & { readonly now: () => Date },
  begun: AccessRequest,
  actor: string,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    note: async (type, change, detail) => {
      const wasClosed = isClosed(request);
      request = await updateRequest<AccessRequest>(context, request.id, (current) => {
        if (!current) throw recordChanged(request.id);
        if (isClosed(current) && !wasClosed) throw overMeanwhile(current);
        const after = revise(current, change(current));
        return { type: "write", after, event: eventOf(type, after, actor, context.now(), detail), outcome: after };
      });
    },
  };
}

/** On paper, where there is no ledger: what would be in the audit log, a line for each event. */
export function printedJournal(
  begun: AccessRequest,
  actor: string,
  now: () => Date,
  print: (line: string) => void,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    note: async (type, change, detail) => {
      request = revise(request, change(request));
      print(lineOf(eventOf(type, request, actor, now(), detail)));
    },
  };
}

/** An event as a line to be kept. */
export function lineOf(event: AuditEvent): string {
  return `${JSON.stringify({ ...event, digest: digestOfEvent(event) })}\n`;
}
