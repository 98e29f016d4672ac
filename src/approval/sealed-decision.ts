import type { AccessRequest } from "../request/request.ts";
import { type Decision, lastApproval } from "./decision.ts";
import { isSealed, type SealKeys, seal } from "./seal.ts";

/** Seals a decision for this one request. */
export function sealDecision(decision: Omit<Decision, "seal">, request: string, keys: SealKeys): Decision {
  return { ...decision, seal: seal("decision", { ...decision, request }, keys) };
}

/** Whether one of our keys sealed exactly this decision, for exactly this request. */
export function isSealedDecision(decision: Decision, request: string, keys: SealKeys): boolean {
  const { seal: sealText, ...unsealed } = decision;
  return isSealed("decision", { ...unsealed, request }, sealText, keys);
}

/** The approval that was given last, where every one of them carries our seal; null: one does not, or there is none. */
export function lastSealed({ id, approvals }: AccessRequest, keys: SealKeys): Decision | null {
  return approvals.every((each) => isSealedDecision(each, id, keys)) ? (lastApproval(approvals) ?? null) : null;
}
