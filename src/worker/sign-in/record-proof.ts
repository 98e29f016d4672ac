import type { AuditEvent } from "../../access/audit/event.ts";
import type { ApprovedRequest, Lease, Proof } from "../../access/request/record.ts";
import { withLease } from "../../access/request/transitions.ts";
import { eventOf, updateRequest } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

/** What a try makes of a lease, and the event that tells of it; null: none does. */
export interface ProofChange {
  readonly lease: Lease;
  readonly event: Pick<AuditEvent, "type" | "detail"> | null;
}

/**
 * Where the record changed meanwhile, what was tried counts as long as it is of the same proof and still to come; otherwise
 * another run has looked, or there is nothing to prove.
 */
export async function recordProof(
  context: WorkerContext,
  request: ApprovedRequest,
  isToCome: (lease: Lease) => boolean,
  changeOf: (lease: Lease, proof: Proof) => ProofChange,
): Promise<void> {
  await updateRequest<void>(context, request.id, (current) => {
    const proof = current?.lease?.proof;
    const isTried = proof?.at === request.lease.proof?.at;
    if (!current?.lease || !proof || !isToCome(current.lease) || !isTried) return { type: "stop", outcome: undefined };
    const change = changeOf(current.lease, proof);
    const after = withLease(current, change.lease);
    const { event } = change;
    const told = event && eventOf(event.type, after, "worker", context.now(), event.detail);
    return { type: "write", after, event: told, outcome: undefined };
  });
}
