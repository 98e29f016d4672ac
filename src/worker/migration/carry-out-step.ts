import { AccessError } from "../../access/access-error.ts";
import type { AuditEvent } from "../../access/audit-event.ts";
import { anotherWriter, asPlanned } from "../../access/lease/drift.ts";
import { sealPlace } from "../../access/lease/holding.ts";
import { type Migration, nextMigration } from "../../access/migration.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import { switchToAccessEntries } from "../../aws/eks-cluster.ts";
import { type MigrationStep, principalKey } from "../../diagnosis/migration/facts.ts";
import { stepName } from "../../diagnosis/migration/summary.ts";
import { eventOf, recordChange, recordChanged, recordOnMigration } from "../../ledger/lifecycle.ts";
import { requestIds } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";
import { namingOwnPolicy } from "../open-eks.ts";
import { idsElsewhere } from "../reconcile/outcome.ts";
import { writeForOthers } from "../reconcile/write-document.ts";
import { createMigratedEntry, documentChanged, isSameData, type MigrationRun } from "./give-entry.ts";

/** Records its beginning, does it, proves it, and records the proof. @throws AccessError `record-changed` */
export async function carryOutStep(run: MigrationRun, migration: Migration, step: MigrationStep): Promise<Migration> {
  return carryOut(run, migration, stepName(step), (logged, begun) => doStep(logged, step, begun));
}

/** @param act gets a run that logs its calls to AWS @throws AccessError `record-changed` */
export async function carryOut(
  run: MigrationRun,
  migration: Migration,
  name: string,
  act: (logged: MigrationRun, begun: Migration) => Promise<readonly string[]>,
): Promise<Migration> {
  const begun = await beginStep(run, migration, name);
  run.follow(begun);
  const context = { ...run.context, awsRequests: requestIds() };
  const proof = await act({ ...run, context }, begun);
  const done = await recordDone(context, begun, name, proof, idsElsewhere(context));
  run.follow(done);
  return done;
}

/** Then EKS refused each access entry that is left: its event is in the log. */
export function isRefusedAgain({ kind, trouble }: Migration): boolean {
  return kind !== "repair" && trouble?.code === "access-entry-refused";
}

/** From this version of the record on, the step may have been sent, at the latest by this try. */
async function beginStep({ context, cluster }: MigrationRun, migration: Migration, name: string): Promise<Migration> {
  const now = context.now();
  const place = sealPlace(cluster, migration, context.keys.memory);
  const after = nextMigration(migration, { begun: { name, at: now.toISOString(), place } });
  const detail = { plan: migration.plan?.digest ?? "", step: name };
  const isTold = migration.begun?.name === name || isRefusedAgain(migration);
  const event = isTold ? null : eventOf("migration.begun", after, "worker", now, detail);
  const result = await recordChange(context, migration, after, event, now);
  if (result.type === "conflict") throw recordChanged(migration.id);
  return after;
}

/** A run carried the step out, and died before the record said so, or a restored Redis lost that. */
export function recordFound(context: WorkerContext, migration: Migration, name: string, but = ""): Promise<Migration> {
  return recordDone(context, migration, name, ["The next run found this step done.", but].filter(Boolean));
}

/** The same of each step of the plan that the record lacks. */
export async function recordLeft(context: WorkerContext, start: Migration): Promise<Migration> {
  const recorded = new Set(start.done.map(({ name }) => name));
  const left = start.plan?.summary.steps.filter(({ name }) => !recorded.has(name)) ?? [];
  let migration = start;
  for (const { name } of left) migration = await recordFound(context, migration, name);
  return migration;
}

/** Records a finished step even if a person stopped the migration meanwhile. */
function recordDone(
  context: WorkerContext,
  migration: Migration,
  name: string,
  proof: readonly string[],
  ids: AuditEvent["detail"] = {},
): Promise<Migration> {
  return recordOnMigration(context, migration, (current) => {
    const begun = current.begun?.name === name ? null : current.begun;
    const place = current.begun?.name === name ? current.begun.place : null;
    if (current.done.some((step) => step.name === name) && begun === current.begun) return null;
    const others = current.done.filter((step) => step.name !== name);
    const isSettling = Date.parse(current.settlesAt ?? "") > context.now().getTime();
    const settlesAt = isSettling ? current.settlesAt : null;
    const done = [...others, { name, at: context.now().toISOString(), proof, place }];
    return {
      type: "migration.stepped",
      after: nextMigration(current, { begun, done, settlesAt, trouble: null }),
      detail: { plan: migration.plan?.digest ?? "", step: name, proof, ...ids },
    };
  });
}

async function doStep(run: MigrationRun, step: MigrationStep, migration: Migration): Promise<readonly string[]> {
  switch (step.type) {
    case "switch-mode":
      return switchMode(run);
    case "give-entry":
      return createMigratedEntry(run, step.wanted, migration);
    case "remove-from-aws-auth":
      return removeItems(run, step);
  }
}

async function switchMode({ context, reached, gathered }: MigrationRun): Promise<readonly string[]> {
  const switched = gathered.openManager().then((eks) => switchToAccessEntries(eks, context));
  await switched.catch(namingOwnPolicy("migration-policy.json"));
  const isSame = isSameData(await reached.client.readAwsAuth(), gathered.configMap);
  return [
    "EKS reports API_AND_CONFIG_MAP.",
    isSame ? "aws-auth is unchanged." : "aws-auth has changed; the next plan has it.",
  ];
}

/**
 * The run read each entry with the document, and completes an incomplete entry in an earlier step. Others can delete one meanwhile, to go
 * back to its item: the items return then. @throws AccessError
 */
async function removeItems(
  run: MigrationRun,
  step: Extract<MigrationStep, { type: "remove-from-aws-auth" }>,
): Promise<readonly string[]> {
  const { reached, gathered } = run;
  await checkEntries(run, step.arns);
  await writeAndReadBack(run, step.after);
  await checkEntries(run, step.arns).catch(async (error: unknown) => {
    const configMap = await reached.client.readAwsAuth();
    const isOurs = configMap && isSameData(configMap, { ...configMap, data: step.after });
    const again = { ...run, gathered: { ...gathered, configMap }, keep: async () => {} };
    if (isOurs && gathered.configMap) await writeAndReadBack(again, gathered.configMap.data);
    throw error;
  });
  return ["Each access entry is there.", asPlanned("aws-auth")];
}

/** @throws AccessError `access-entry-conflict` if one of them has no access entry */
async function checkEntries({ reached }: MigrationRun, arns: readonly string[]): Promise<void> {
  const there = new Set((await accessEntriesOf(reached.eks).list()).map(principalKey));
  const missing = arns.find((arn) => !there.has(principalKey(arn)));
  if (missing === undefined) return;
  throw new AccessError("access-entry-conflict", anotherWriter("changed", `the access entry of ${missing}`));
}

/** Writes the document that the run read, and reads it back. @throws AccessError if another writer changes it */
export async function writeAndReadBack(
  { context, cluster, reached: { client }, gathered: { configMap }, keep }: MigrationRun,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  if (!configMap) throw documentChanged(cluster);
  await keep(configMap);
  await writeForOthers({ context, cluster, client }, configMap, data);
  if (!isSameData(await client.readAwsAuth(), { ...configMap, data })) throw documentChanged(cluster);
}
