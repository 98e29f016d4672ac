import type { AuditEvent } from "../../access/audit/event.ts";
import type { AccessRequest, Grant, Proof } from "../../access/request/record.ts";
import { revise } from "../../access/request/request.ts";
import { eventOf, updateRequest } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

/** What a try makes of a grant, and the event that tells of it; null: none does. */
export interface ProofChange {
  readonly grant: Grant;
  readonly event: Pick<AuditEvent, "type" | "detail"> | null;
}

/**
 * Where the record changed meanwhile, what was tried counts as long as it is of the same proof and still to come; otherwise
 * another run has looked, or there is nothing to prove.
 */
export async function recordProof(
  context: WorkerContext,
  request: AccessRequest,
  isToCome: (grant: Grant) => boolean,
  changeOf: (grant: Grant, proof: Proof) => ProofChange,
): Promise<void> {
  await updateRequest<void>(context, request.id, (current) => {
    const grant = current?.grant;
    const proof = grant?.proof;
    const isTried = proof?.at === request.grant?.proof?.at;
    if (!current || !grant || !proof || !isToCome(grant) || !isTried) return { type: "stop", outcome: undefined };
    const change = changeOf(grant, proof);
    const after = revise(current, { grant: change.grant });
    const { event } = change;
    const told = event && eventOf(event.type, after, "worker", context.now(), event.detail);
    return { type: "write", after, event: told, outcome: undefined };
  });
}
