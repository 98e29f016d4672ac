import type { Decision } from "./decision.ts";
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
