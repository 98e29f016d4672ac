import { type AuditEvent, digestOfEvent, type EventType } from "../../access/audit/event.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isClosed, revise } from "../../access/request/request.ts";
import { eventOf, type RecordContext, recordChange } from "../../ledger/record-change.ts";

/** Where a rescue is told, step by step, with its event. */
export interface RescueJournal {
  readonly request: () => AccessRequest;
  note: (
    type: EventType,
    change: (request: AccessRequest) => Partial<Omit<AccessRequest, "id" | "version">>,
    detail: AuditEvent["detail"],
  ) => Promise<void>;
}

/** Others may write to the record meanwhile: who revokes it, a reminder. */
const attempts = 5;

/** Somebody revoked it, or its time was over, before it gave anything or while it did: what is closed stays closed. */
export function overMeanwhile({ id }: AccessRequest): AccessError {
  return new AccessError("record-changed", `The rescue ${id} was ended meanwhile, and gives nothing any more`, {
    mend: "Begin another one if it is still needed.",
  });
}

/** In the ledger, where the messenger and the sweep find it. */
export function ledgerJournal(
  context: RecordContext & { readonly now: () => Date },
  begun: AccessRequest,
  actor: string,
): RescueJournal {
  let request = begun;
  return {
    request: () => request,
    note: async (type, change, detail) => {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const now = context.now();
        const after = revise(request, change(request));
        const result = await recordChange(context, after, eventOf(type, after, actor, now, detail), now);
        if (result.type === "committed") {
          request = after;
          return;
        }
        if (!result.current) break;
        request = result.current;
        if (isClosed(request)) throw overMeanwhile(request);
      }
      throw new AccessError("record-changed", `The record ${request.id} does not stop changing`);
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
