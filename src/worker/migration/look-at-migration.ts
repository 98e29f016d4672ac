import { AccessError, hasCode } from "../../access/access-error.ts";
import type { CodedReason } from "../../access/lease/lease-record.ts";
import { planReminders } from "../../access/lists.ts";
import {
  endedMigration,
  isBegunWithoutApproval,
  type Migration,
  migrationDueAt,
  nextMigration,
  type PendingMigration,
  type SealedPlan,
} from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { failureOf, needsEvent, nextTry } from "../../access/retry.ts";
import { sealMigrationPlan } from "../../access/seals.ts";
import { migrationSteps } from "../../diagnosis/migration/plan.ts";
import { repairSteps } from "../../diagnosis/migration/plan-repair.ts";
import { summarizeMigration } from "../../diagnosis/migration/summary.ts";
import type { MigrationReport } from "../../diagnosis/reports.ts";
import { eventOf, recordChange, recordChanged, recordOnMigration } from "../../ledger/lifecycle.ts";
import { wake } from "../../ledger/queues.ts";
import { requestIds } from "../../operations/announcements.ts";
import { inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { dueChange, recordDue } from "../due-change.ts";
import { orFailed, readRoleTimes } from "../questions/look-at-cluster.ts";
import { idsElsewhere } from "../reconcile/outcome.ts";
import { gatherMigration, withMigration } from "./gather-migration.ts";
import { unmadeEntries } from "./repair-entries.ts";
import { refuseMovedMigration, runMigration } from "./run-migration.ts";

/** The next try after a failure that needs a person; a click tries at once. */
const repairedAfterMs = 10 * 60_000;

/** Continues a cluster's migration if something is due: its plan, its end, or its next steps. */
export async function lookAtMigration(worker: WorkerContext, cluster: Cluster): Promise<void> {
  const context = { ...worker, auditIds: requestIds() };
  const migration = await context.ledger.migrations.latestOf(cluster.name);
  const due = migration && migrationDueAt(migration);
  if (!migration || due === null || due > context.now().getTime()) return;
  try {
    const now = context.now();
    const change = dueChange(migration, now, context.config.timing.remindAfterSeconds);
    if (change) await recordDue(context, migration, change, now);
    else if (migration.state === "pending" && !isBegunWithoutApproval(migration))
      await plan(context, cluster, migration);
    else await runMigration(context, cluster, migration.id);
  } catch (error) {
    if (hasCode(error, "record-changed")) {
      return wake(context.queues, { type: "migration", cluster: cluster.name });
    }
    context.failures.failed("a migration can't continue", { cluster: cluster.name, request: migration.id }, error);
    await postponeMigration(context, migration, error);
  }
}

async function plan(context: WorkerContext, cluster: Cluster, migration: PendingMigration): Promise<void> {
  refuseMovedMigration(context, cluster, migration);
  const after = await (migration.kind === "repair" ? planRepair : planMigration)(context, cluster, migration);
  const now = context.now();
  const detail = { plan: after.plan?.digest ?? "", code: after.refusal?.code ?? "" };
  const event = eventOf(after.plan ? "migration.planned" : "migration.refused", after, "worker", now, detail);
  const { type } = await recordChange(context, migration, after, event, now);
  if (type === "conflict") throw recordChanged(migration.id);
}

async function planMigration(context: WorkerContext, cluster: Cluster, migration: PendingMigration) {
  const result = await inTurns(migrationSteps(await gatherMigration(context, cluster, migration)));
  if (result.type === "refused") return refused(context, migration, result);
  if (result.steps.length === 0) {
    const message = `Nothing to plan. ${result.keptBecause ?? "No other item of aws-auth can move."}`;
    return refused(context, migration, { code: "nothing-to-migrate", message });
  }
  const outs = result.steps.flatMap((step) => (step.type === "remove-from-aws-auth" ? step.arns : []));
  return withPlan(context, migration, { summary: summarizeMigration(result), outs });
}

async function planRepair(context: WorkerContext, cluster: Cluster, migration: PendingMigration): Promise<Migration> {
  const { givenArns } = migration;
  return withMigration(context, cluster, migration, async ({ eks }, { facts }) => {
    const { presentEntries: entries, document, mode } = facts;
    const asked = { entries, document: mode === "API" ? null : document };
    const roles = givenArns.length === 0 ? await readRoleTimes(eks, cluster, asked) : null;
    const unmade = await unmadeEntries(context, migration, facts);
    const result = await inTurns(repairSteps({ ...facts, unmade, roles }));
    if (result.type === "refused") return refused(context, migration, result);
    return withPlan(context, migration, { summary: result.summary, outs: [], replacements: result.replacements });
  });
}

function refused(context: WorkerContext, migration: PendingMigration, { code, message }: CodedReason): Migration {
  return endedMigration(migration, context.now(), { state: "refused", refusal: { code, message } });
}

function withPlan(
  context: WorkerContext,
  migration: PendingMigration,
  plan: Omit<SealedPlan, "at" | "digest" | "seal">,
): Migration {
  const { keys, config } = context;
  const now = context.now();
  const unsealed = { ...plan, at: now.toISOString(), digest: plan.summary.digest };
  return nextMigration(migration, {
    plan: sealMigrationPlan(migration, unsealed, keys.preview),
    reminders: planReminders(now, migration.expiresAt, config.timing.remindAfterSeconds),
    trouble: null,
  });
}

/** Records a failure with its fix. Tries continue until the approvals are too old. */
export async function postponeMigration(context: WorkerContext, migration: Migration, error: unknown): Promise<void> {
  const isRetryable = !(error instanceof AccessError) || error.retryable;
  const failure = failureOf(error);
  await recordOnMigration(context, migration, (current) => {
    if (migrationDueAt(current) === null) return null;
    const now = context.now();
    const tried = nextTry(current, failure, now);
    const retryAt = isRetryable ? tried.retryAt : new Date(now.getTime() + repairedAfterMs).toISOString();
    const trouble = { ...tried, retryAt };
    const detail = { code: trouble.code, attempts: trouble.attempts, ...idsElsewhere(context) };
    const type = needsEvent(current.trouble, trouble) ? "migration.delayed" : null;
    return { type, after: nextMigration(current, { trouble }), detail };
  });
}

export function reportMigration(
  context: WorkerContext,
  cluster: Cluster,
  { user, givenArns }: { readonly user: string; readonly givenArns: readonly string[] },
): Promise<MigrationReport> {
  return orFailed(context, cluster, "could not plan the migration", async () => {
    const facts = await gatherMigration(context, cluster, { id: "migrate", requester: user, givenArns });
    const result = await inTurns(migrationSteps(facts));
    if (result.type === "refused") return { type: "refused", message: result.message };
    return { type: "planned", ...summarizeMigration(result) };
  });
}
