import type { AccessRequest, Decision } from "../request/record.ts";
import { lastApproval } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** Seals a decision for this one request. */
export function sealDecision(decision: Omit<Decision, "seal">, request: string, keys: DecisionKeys): Decision {
  return { ...decision, seal: keys.seal("decision", { ...decision, request }) };
}

/** Whether one of our keys sealed exactly this decision, for exactly this request. */
export function isSealedDecision(decision: Decision, request: string, keys: DecisionPublicKeys): boolean {
  const { seal: sealText, ...unsealed } = decision;
  return keys.isSealed("decision", { ...unsealed, request }, sealText);
}

/** The approval that was given last, where every one of them carries our seal; null: one does not, or there is none. */
export function lastSealed({ id, approvals }: AccessRequest, keys: DecisionPublicKeys): Decision | null {
  return approvals.every((each) => isSealedDecision(each, id, keys)) ? (lastApproval(approvals) ?? null) : null;
}
