import type { AuditEvent } from "../../access/audit/event.ts";
import type { AccessRequest, Grant, Proof } from "../../access/request/record.ts";
import { revise } from "../../access/request/request.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";

const attempts = 5;

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
  let current: AccessRequest | null = request;
  for (let attempt = 0; attempt < attempts && current; attempt += 1) {
    const { grant }: AccessRequest = current;
    const proof = grant?.proof;
    if (!grant || !proof || !isToCome(grant) || proof.at !== request.grant?.proof?.at) return;
    const change = changeOf(grant, proof);
    const after = revise(current, { grant: change.grant });
    const now = context.now();
    const event = change.event && eventOf(change.event.type, after, "worker", now, change.event.detail);
    const result = await recordChange(context, after, event, now);
    if (result.type === "committed") return;
    current = result.current;
  }
}
