import type { Json } from "../audit/canonical-json.ts";
import type { Move, MovePlan } from "../migration/move.ts";
import type { PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** Seals what the worker planned: approvers decide by it. */
export function sealMovePlan(move: Pick<Move, "id">, plan: Omit<MovePlan, "seal">, keys: PreviewKeys): MovePlan {
  return { ...plan, seal: keys.seal("move-plan", sealedValue(move, plan)) };
}

/** Whether approvers may be shown this plan with its buttons: the worker made it, for this very move (law 4). */
export function isGenuinePlan(move: Move, keys: PreviewPublicKeys): boolean {
  const { plan } = move;
  if (!plan) return false;
  const { seal: sealText, ...unsealed } = plan;
  return plan.summary.digest === plan.digest && keys.isSealed("move-plan", sealedValue(move, unsealed), sealText);
}

function sealedValue({ id }: Pick<Move, "id">, { at, digest, summary, outs }: Omit<MovePlan, "seal">): Json {
  return { move: id, plan: { at, digest, summary, outs } } as unknown as Json;
}
