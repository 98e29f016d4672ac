import { AccessError, hasCode } from "../../access/access-error.ts";
import { migrationApprovalFlaw } from "../../access/decide-migration.ts";
import { refuseMovedName } from "../../access/lease/holding.ts";
import type { CodedReason } from "../../access/lease/lease-record.ts";
import {
  type EndedMigration,
  endedMigration,
  isBegunWithoutApproval,
  isMigrationOver,
  type Migration,
  migrationDueAt,
  nextMigration,
  principalGiven,
  replannedMigration,
  type SealedPlan,
} from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isGenuinePlan } from "../../access/seals.ts";
import { counted } from "../../diagnosis/link.ts";
import { principalKey } from "../../diagnosis/migration/facts.ts";
import { type MigrationPlan, migrationSteps } from "../../diagnosis/migration/plan.ts";
import { stepName } from "../../diagnosis/migration/summary.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { eventOf, recordChange, recordChanged, recordOnMigration } from "../../ledger/lifecycle.ts";
import { inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { keepDocument } from "../rescue/repair-document.ts";
import { closeBegunStep, isCarriedOut, lostSentence, removal, withoutEntry } from "./begun-step.ts";
import { carryOutStep, isRefusedAgain, recordLeft } from "./carry-out-step.ts";
import { withMigration } from "./gather-migration.ts";
import type { MigrationRun } from "./give-entry.ts";
import { repairOnce } from "./repair-entries.ts";

/** Each pass reads everything again. The next job continues after the last one. */
const maxPasses = 20;

export interface MigrationDriver {
  /** Keeps a copy of the document outside the cluster before a removal. */
  readonly keep?: (configMap: AwsAuthConfigMap) => Promise<void>;
  /** For a person who waits: a step can take minutes. */
  readonly follow?: MigrationRun["follow"];
}

/** As far as possible now. Each step starts from the real state, and is proved before the next step. @throws AccessError */
export async function runMigration(
  context: WorkerContext,
  cluster: Cluster,
  id: string,
  driver: MigrationDriver = {},
): Promise<Migration | null> {
  let migration = await context.ledger.migrations.get(id);
  const isDue = (each: Migration) => {
    const due = each.state === "pending" && !isBegunWithoutApproval(each) ? null : migrationDueAt(each);
    return due !== null && due <= context.now().getTime();
  };
  for (let pass = 0; pass < maxPasses && migration && isDue(migration); pass += 1) {
    try {
      await passOver(context, cluster, migration, driver);
    } catch (error) {
      // Another writer changed aws-auth: read it and plan again.
      const again = hasCode(error, "cluster-conflict") && pass < maxPasses - 1;
      if (!again) throw error;
    }
    migration = await context.ledger.migrations.get(id);
  }
  return migration;
}

async function passOver(context: WorkerContext, cluster: Cluster, migration: Migration, driver: MigrationDriver) {
  refuseMovedMigration(context, cluster, migration);
  const { requestExpiresAfterSeconds } = context.config.timing;
  const { keys, now } = context;
  const flaw = migrationApprovalFlaw(migration, cluster, keys.decision, now(), requestExpiresAfterSeconds);
  if (flaw !== null && isHalfRepaired(migration, keys)) {
    return voidMigration(context, migration, flaw, migration.plan);
  }
  const isToGoOn = flaw === null && migration.state === "running";
  if (isToGoOn || migration.begun) {
    await withMigration(context, cluster, migration, async (reached, gathered) => {
      const keep: MigrationRun["keep"] = async (configMap) => {
        await keepDocument(context, reached.client, cluster, configMap);
        await driver.keep?.(configMap);
      };
      const run = { context, cluster, reached, gathered, keep, follow: driver.follow ?? (() => {}) };
      if (migration.kind === "repair" && flaw === null) await repair(run, migration);
      else if (isToGoOn) await goOn(run, migration);
      else await closeBegunStep(run, migration);
    });
  }
  if (migration.state !== "running" || flaw === null) return;
  if (now().getTime() < Date.parse(migration.expiresAt)) return voidMigration(context, migration, flaw);
  // The approvals are too old. Finished steps stay.
  await endMigration(context, migration, (current) => ({
    type: "migration.expired",
    after: endedMigration(current, now(), { state: "expired" }),
    detail: { why: flaw },
  }));
}

/** Whether an entry can be deleted and not made again yet: only this plan says what it was, so the approvers decide about it once more. */
function isHalfRepaired(migration: Migration, { preview }: WorkerContext["keys"]): boolean {
  const { kind, begun } = migration;
  return kind === "repair" && begun !== null && !isMigrationOver(migration) && isGenuinePlan(migration, preview);
}

/** Its steps were proved in their cluster. @throws AccessError `cluster-mismatch` */
export function refuseMovedMigration(
  { keys }: Pick<WorkerContext, "keys">,
  cluster: Cluster,
  { id, begun, done }: Migration,
): void {
  const steps = [begun, ...done].map((lease) => ({ id, lease }));
  refuseMovedName(cluster, steps, keys.memory);
}

async function repair(run: MigrationRun, migration: Migration): Promise<void> {
  const pass = await repairOnce(run, migration);
  if (pass.type === "done") await finish(run.context, migration);
  if (pass.type === "void") await voidMigration(run.context, await closeBegunStep(run, migration), pass.message);
}

async function goOn(run: MigrationRun, migration: Migration): Promise<void> {
  const { context, gathered } = run;
  const lost = lostSentence(run, migration);
  if (!lost && isCarriedOut(migration, gathered, context.keys))
    return finish(context, await recordLeft(context, migration));
  if (gathered.facts.mode === "API") return refuseApiMode(run, migration);
  if (lost) return refuse(context, await closeBegunStep(run, migration), { code: "entry-missing", message: lost });
  const plan = await inTurns(migrationSteps(gathered.facts));
  if (plan.type === "refused") {
    throw new AccessError("migration-stopped", `There is no plan now: ${plan.message.replace(/\.$/, "")}`);
  }
  if (plan.digest === migration.plan?.digest) return takeSteps(run, plan, migration);
  await voidMigration(context, await closeBegunStep(run, migration), "the plan changed since its approval");
}

/** After a change of the mode or the document it plans again; entries follow each other, also where EKS refuses one. */
async function takeSteps(run: MigrationRun, plan: MigrationPlan, start: Migration): Promise<void> {
  const { context } = run;
  let migration = start;
  // A run carried the step out, and died before the record said so.
  const isLeft = plan.steps.some((step) => stepName(step) === migration.begun?.name);
  if (migration.begun && !isLeft) return void (await closeBegunStep(run, migration));
  const refused: { readonly arn: string; readonly error: AccessError }[] = [];
  for (const step of plan.steps) {
    if (step.type === removal) {
      if (refused.length > 0) break;
      if (migration !== start) return;
      if (!isSettled(context, migration) || hasNewEntry(run)) return settle(context, migration);
    }
    try {
      migration = await carryOutStep(run, migration, step);
    } catch (error) {
      if (step.type !== "give-entry" || !hasCode(error, "access-entry-refused")) throw error;
      refused.push({ arn: step.wanted.principalArn, error });
      // EKS made nothing, so nothing becomes visible late.
      const atOnce = { ...run, context: { ...context, pause: async () => {} } };
      const again = isRefusedAgain(migration) ? migration.trouble : null;
      migration = await closeBegunStep(atOnce, migration, stepName(step), again);
    }
    if (isMigrationOver(migration) || step.type !== "give-entry") return;
  }
  const [first, ...others] = refused;
  if (first) {
    const what = [first.error.what, ...others.map(({ arn }) => `the same for ${arn}`)].join("; ");
    throw new AccessError("access-entry-refused", what, { cause: first.error });
  }
  if (migration === start) await finish(context, migration);
}

/** Whether an entry is too new to be everywhere. EKS says when it made each: an attacker with Redis can write any time into the record. */
function hasNewEntry({ context, gathered }: MigrationRun): boolean {
  const settled = context.now().getTime() - context.config.timing.settleEntriesSeconds * 1000;
  return gathered.facts.presentEntries.some(
    ({ migrated, createdAt }) => migrated !== null && createdAt !== undefined && Date.parse(createdAt) > settled,
  );
}

/** A person switched the mode, which can't be switched back: another try can't help. */
async function refuseApiMode(run: MigrationRun, start: Migration): Promise<void> {
  const { context, cluster, gathered } = run;
  const migration = await closeBegunStep(run, start);
  const present = new Set(gathered.facts.presentEntries.map(({ principalArn }) => principalKey(principalArn)));
  const begun = start.begun?.name ?? "";
  if (migration.done.every(({ name }) => name !== begun)) present.delete(principalKey(principalGiven(begun) ?? ""));
  const { steps = [], before = [] } = migration.plan?.summary ?? {};
  const missing = steps
    .flatMap(({ name }) => principalGiven(name) ?? [])
    .filter((arn) => !present.has(principalKey(arn)));
  const message = [
    `${cluster.name} does not read aws-auth.`,
    withoutEntry(missing),
    before.length > 0 ? `${counted(before.length, "other item")} of aws-auth had no access entry at the plan.` : "",
  ]
    .filter(Boolean)
    .join(" ");
  await refuse(context, migration, { code: "mode-is-api", message });
}

async function refuse(context: WorkerContext, migration: Migration, refusal: CodedReason): Promise<void> {
  await endMigration(context, migration, (current) => ({
    type: "migration.refused",
    after: endedMigration(current, context.now(), { state: "refused", refusal }),
    detail: { plan: current.plan?.digest ?? "", code: refusal.code },
  }));
}

/** Unless it is over meanwhile. */
async function endMigration(
  context: WorkerContext,
  migration: Migration,
  change: (current: Exclude<Migration, EndedMigration>) => ReturnType<Parameters<typeof recordOnMigration>[2]>,
): Promise<void> {
  await recordOnMigration(context, migration, (current) => (isMigrationOver(current) ? null : change(current)));
}

/** Entries are eventually consistent, so aws-auth stays beside them for some time. */
async function settle(context: WorkerContext, migration: Migration): Promise<void> {
  const now = context.now();
  const settled = now.getTime() + context.config.timing.settleEntriesSeconds * 1000;
  const settlesAt = new Date(Math.max(settled, Date.parse(migration.settlesAt ?? "") || 0)).toISOString();
  const after = nextMigration(migration, { settlesAt, trouble: null });
  const event = eventOf("migration.settling", after, "worker", now, { until: settlesAt });
  const { type } = await recordChange(context, migration, after, event, now);
  if (type === "conflict") throw recordChanged(migration.id);
}

function isSettled({ now }: WorkerContext, { settlesAt }: Migration): boolean {
  return settlesAt !== null && Date.parse(settlesAt) <= now().getTime();
}

async function finish(context: WorkerContext, migration: Migration): Promise<void> {
  await endMigration(context, migration, (current) => ({
    type: "migration.done",
    after: endedMigration(current, context.now(), { state: "done", begun: null }),
    detail: { plan: current.plan?.digest ?? "", steps: current.done.map(({ name }) => name) },
  }));
}

/** The plan differs from the approved one: the approvers decide about a new one (law 4), or about `plan` again. */
async function voidMigration(
  context: WorkerContext,
  migration: Migration,
  message: string,
  plan: SealedPlan | null = null,
): Promise<void> {
  await endMigration(context, migration, (current) => {
    const expires = context.config.timing.requestExpiresAfterSeconds * 1000;
    const expiresAt = new Date(context.now().getTime() + expires).toISOString();
    const after = { ...replannedMigration(current, message, expiresAt), plan };
    return { type: "migration.void", after, detail: { why: message, approvers: after.voided?.by ?? [] } };
  });
}
