import { AccessError } from "../../access/access-error.ts";
import {
  isMigrationOver,
  type Migration,
  nextMigration,
  principalGiven,
  type SealedPlan,
} from "../../access/migration.ts";
import type { Json } from "../../access/seal.ts";
import { isGenuinePlan } from "../../access/seals.ts";
import { type MigrationFacts, principalKey } from "../../diagnosis/migration/facts.ts";
import { recordOnMigration } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { recordFound } from "./carry-out-step.ts";
import { type GatheredMigration, withManager } from "./gather-migration.ts";
import { type MigrationRun, removeHalfMadeEntry } from "./give-entry.ts";
import { deletedEntry } from "./repair-entries.ts";

/** What the cluster shows of an approved plan: a run can have died before the record said so. */

export const removal = "remove-from-aws-auth";

/** Others deleted an access entry after its item left aws-auth, before a run recorded that. Empty: none. */
export function lostSentence({ context, gathered: { facts } }: MigrationRun, migration: Migration): string {
  const { plan, begun } = migration;
  if (!plan || begun?.name !== removal || !isGenuinePlan(migration, context.keys.preview)) return "";
  if (!areOut(plan, facts)) return "";
  const there = new Set(facts.presentEntries.map(({ principalArn }) => principalKey(principalArn)));
  return withoutEntry(plan.outs.filter((arn) => !there.has(principalKey(arn))));
}

export function withoutEntry(arns: readonly string[]): string {
  return arns.length > 0 ? `Create the access entry of ${arns.join(", ")}.` : "";
}

/** Whether the approved items left aws-auth, and our entries replace them. A restored Redis lacks the steps, and the record alone proves nothing. */
export function isCarriedOut(
  migration: Migration,
  { facts }: GatheredMigration,
  { preview }: WorkerContext["keys"],
): boolean {
  const { plan, done } = migration;
  if (!plan || plan.outs.length === 0 || !isGenuinePlan(migration, preview)) return false;
  // In the mode API no one reads the document: only the record says that a removal wrote it.
  const isKnown = facts.mode !== "API" || done.some(({ name }) => name === removal);
  return isKnown && areOut(plan, facts) && areIn(plan, facts);
}

/**
 * A completed step is done; an incomplete entry goes, so that aws-auth counts for its principal.
 * @param again the trouble that an event already reports, and that stays
 * @throws AccessError
 */
export async function closeBegunStep(
  run: MigrationRun,
  migration: Migration,
  name = migration.begun?.name,
  again: Migration["trouble"] = null,
) {
  const { context, gathered } = run;
  if (name === undefined) return migration;
  // Without a sealed plan the record does not say what had to leave.
  const removes = isGenuinePlan(migration, context.keys.preview) ? migration.plan : null;
  const isDone = await wasCarriedOut(run, removes, name, migration);
  if (isDone) return recordFound(context, migration, name, lostSentence(run, migration));
  const entry = removes && deletedEntry(removes, name, gathered.facts);
  return recordOnMigration(context, migration, (current) => {
    if (current.begun?.name !== name) return null;
    const unmade = entry && isMigrationOver(current) ? { unmade: entry.from } : {};
    return {
      type: again ? null : "migration.undone",
      after: nextMigration(current, { begun: null, trouble: again && current.trouble, ...unmade }),
      detail: { step: name, ...(entry && { entry: entry as unknown as Json }) },
    };
  });
}

async function wasCarriedOut(
  run: MigrationRun,
  plan: SealedPlan | null,
  name: string,
  migration: Migration,
): Promise<boolean> {
  const { facts, updating, openManager } = run.gathered;
  if (name === "switch-mode") {
    if (updating)
      throw new AccessError("cluster-not-active", `EKS is switching the authentication mode of ${run.cluster.name}`);
    return facts.mode !== "CONFIG_MAP";
  }
  if (name === removal) return facts.mode !== "API" && plan !== null && areOut(plan, facts);
  // The next repair completes it. The replaced entry let no one in.
  if (name.startsWith("replace-")) return false;
  const principalArn = principalGiven(name) ?? name;
  return withManager(openManager, undefined, (entries) => removeHalfMadeEntry(entries, principalArn, run, migration));
}

function areOut({ outs }: SealedPlan, { document }: MigrationFacts): boolean {
  const left = new Set(document.entries.map(({ arn }) => principalKey(arn)));
  return outs.every((arn) => !left.has(principalKey(arn)));
}

function areIn({ summary }: SealedPlan, { presentEntries }: MigrationFacts): boolean {
  const whole = presentEntries.filter(({ migrated }) => migrated === "whole");
  const there = new Set(whole.map(({ principalArn }) => principalKey(principalArn)));
  return summary.steps.flatMap(({ name }) => principalGiven(name) ?? []).every((arn) => there.has(principalKey(arn)));
}
