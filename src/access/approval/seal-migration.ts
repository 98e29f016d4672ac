import type { Json } from "../audit/canonical-json.ts";
import type { Migration, SealedPlan } from "../migration/migration.ts";
import type { PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** Seals what the worker planned: approvers decide by it. */
export function sealMigrationPlan(
  migration: Pick<Migration, "id">,
  plan: Omit<SealedPlan, "seal">,
  keys: PreviewKeys,
): SealedPlan {
  return { ...plan, seal: keys.seal("migration-plan", sealedValue(migration, plan)) };
}

/** Whether approvers may be shown this plan with its buttons: the worker made it, for this very move (law 4). */
export function isGenuinePlan(migration: Migration, keys: PreviewPublicKeys): boolean {
  const { plan } = migration;
  if (!plan) return false;
  const { seal: sealText, ...unsealed } = plan;
  return (
    plan.summary.digest === plan.digest && keys.isSealed("migration-plan", sealedValue(migration, unsealed), sealText)
  );
}

function sealedValue({ id }: Pick<Migration, "id">, { at, digest, summary, outs }: Omit<SealedPlan, "seal">): Json {
  return { migration: id, plan: { at, digest, summary, outs } } as unknown as Json;
}
