import { type FileHandle, open, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure, hasCode } from "../access/access-error.ts";
import {
  isMigrationOver,
  type Migration,
  type MigrationSummary,
  migrationDueAt,
  nextMigration,
} from "../access/migration.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { counted } from "../diagnosis/link.ts";
import { principalKey } from "../diagnosis/migration/facts.ts";
import { type MigrationResult, planMigration } from "../diagnosis/migration/plan.ts";
import { summarizeMigration } from "../diagnosis/migration/summary.ts";
import { recordOnMigration } from "../ledger/lifecycle.ts";
import { requestIds } from "../operations/announcements.ts";
import type { WorkerContext } from "../worker/context.ts";
import { gatherMigration } from "../worker/migration/gather-migration.ts";
import { postponeMigration } from "../worker/migration/look-at-migration.ts";
import { type MigrationDriver, runMigration } from "../worker/migration/run-migration.ts";
import { flag, text, texts } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readOneCluster, unusable, unwritable } from "./process-io.ts";
import { clusterNamed, readCommandSettings, withWorkerContext } from "./settings.ts";

const migrateUsage = `Usage: eks-access migrate CLUSTER [--arn ARN]… [--json]
       eks-access migrate CLUSTER --apply PLAN [--backup FILE]

Shows the plan from aws-auth to access entries, and writes nothing. With --apply it carries out a plan that two
approvers approved in Slack (/eks-access migrate). Run it in the worker's environment.

  --arn ARN      a role's ARN with its path, which aws-auth does not have; repeatable
  --json         print the plan as JSON
  --apply PLAN   carry out the plan with this digest
  --backup FILE  save aws-auth in this new file before items leave it

Example: eks-access migrate staging --json
Exit code: 0 planned or carried out, 1 refused or not done, 2 unusable input.
`;

export const runMigrate = cliCommand("migrate", migrateUsage, async (argv, io) => {
  const options = readOptions(argv);
  const settings = await readCommandSettings("worker");
  const cluster = clusterNamed(settings.config, options.cluster);
  const { apply } = options;
  if (apply) {
    return withNewFile(apply.backup, (save) =>
      withWorkerContext(settings, (context) => applyPlan(context, cluster, { ...apply, save }, io)),
    );
  }
  const facts = await withWorkerContext(settings, (context) =>
    gatherMigration(context, cluster, { id: "migrate", requester: "migrate", givenArns: options.givenArns }),
  );
  // An ARN without an entry is a typing mistake: the intended role would then migrate without its path.
  const known = new Set(facts.document.entries.map(({ arn }) => principalKey(arn)));
  const stray = facts.givenArns.find((arn) => !known.has(principalKey(arn)));
  if (stray !== undefined) unusable(`aws-auth of ${cluster.name} has no entry for ${stray}.`);
  return printResult(cluster, planMigration(facts), options, io);
});

function readOptions(argv: readonly string[]) {
  const known = { arn: texts, json: flag, apply: text, backup: text };
  const { cluster, apply, backup, arn: givenArns = [], json } = readOneCluster(argv, known);
  if (apply === undefined && backup !== undefined) needs("--apply with --backup");
  return { cluster, givenArns, json, apply: apply === undefined ? null : { digest: apply, backup: backup ?? null } };
}

function printResult(
  of: Cluster,
  result: MigrationResult,
  { json, givenArns }: ReturnType<typeof readOptions>,
  io: CommandIo,
): number {
  if (result.type === "refused") {
    const { code, message } = result;
    const report = { ok: false, refusal: { code, message } };
    io.stdout(json ? `${JSON.stringify(report, null, 2)}\n` : `Refused: ${message} [${code}]\n`);
    return 1;
  }
  const summary = summarizeMigration(result);
  const report = { ok: true, cluster: of.name, ...summary, plan: result.steps };
  const line = ["/eks-access", "migrate", of.name, "ask", ...givenArns].join(" ");
  const text = `${migrationText(of, summary)}${result.steps.length > 0 ? `To request it: ${line}\n` : ""}`;
  io.stdout(json ? `${JSON.stringify(report, null, 2)}\n` : text);
  return 0;
}

function migrationText(cluster: Cluster, summary: MigrationSummary): string {
  const { mode, items, steps, keptBecause, before, digest } = summary;
  const of = items.flatMap(({ place, arn, sentences }) => [
    `  ${place}: ${arn}`,
    ...sentences.map((sentence) => `    ${sentence}`),
  ]);
  const numbered = steps.flatMap(({ does, proof, undo }, index) => [
    `  ${index + 1}. ${does}`,
    `     Proof: ${proof}`,
    `     Undo: ${undo}`,
  ]);
  return [
    `${cluster.name} has the authentication mode ${mode}.`,
    "",
    "Items of aws-auth",
    ...(of.length > 0 ? of : ["  None."]),
    "",
    "Steps",
    ...(numbered.length > 0 ? numbered : ["  Nothing to do."]),
    ...(keptBecause === null ? [] : ["", `aws-auth stays as it is. ${keptBecause}`]),
    "",
    ...lastStep(cluster, before),
    "",
    `Plan ${digest}`,
    "",
  ].join("\n");
}

/** The mode API ignores aws-auth and is irreversible, so operators take that step themselves. */
function lastStep({ region, eksName }: Cluster, before: readonly string[]): string[] {
  const mode = "API";
  const command = `aws eks update-cluster-config --region ${region} --name ${eksName} --access-config authenticationMode=${mode}`;
  if (before.length === 0) return [`An operator can switch the mode to ${mode} for good:`, `  ${command}`];
  return [
    `The mode ${mode} would drop ${counted(before.length, "item")} of aws-auth:`,
    ...before.map((arn) => `  ${arn}`),
  ];
}

type SaveText = (text: string) => Promise<void>;

/** A new one alone: a link or a file that another put there could be anything. A killed command leaves none without a text. */
async function withNewFile<T>(path: string | null, run: (save: SaveText) => Promise<T>): Promise<T> {
  if (path === null) return run(async () => undefined);
  const create = () => open(path, "wx", 0o600).catch((error) => unusable(unwritable(path, error)));
  await (await create()).close();
  await rm(path);
  const files: FileHandle[] = [];
  try {
    return await run(async (text) => {
      const file = files[0] ?? (await create());
      files[0] = file;
      await file.truncate();
      await file.write(text, 0);
      await file.sync();
    });
  } finally {
    await files[0]?.close();
  }
}

const maxLookMs = 1_000;

/**
 * Carries out the plan of this digest, alone or next to a worker: both follow the same record, which Slack shows. Prints each step after
 * its proof. A failure ends the command; the record keeps it, and a worker or the same command tries again.
 * @throws AccessError before its first step
 */
export async function applyPlan(
  context: WorkerContext,
  cluster: Cluster,
  { digest, backup, save }: { readonly digest: string; readonly backup: string | null; readonly save: SaveText },
  io: CommandIo,
): Promise<number> {
  const say = (sentence: string) => io.stdout(`${sentence}\n`);
  const keep: MigrationDriver["keep"] = async ({ object }) => {
    if (backup === null) return;
    await save(`${JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", ...object }, null, 2)}\n`);
    say(`Saved aws-auth to ${backup}.`);
  };
  const { migrations } = context.ledger;
  const approved = approvedMigration(await migrations.latestOf(cluster.name), digest);
  let migration = approved.trouble ? await tryNow(context, approved) : approved;
  const printed = new Set<string>();
  const follow = (current: Migration) => printSteps(current, printed, say);
  for (;;) {
    follow(migration);
    if (migration.state !== "running" || migration.plan.digest !== digest) return outcome(migration, digest, say);
    try {
      migration = (await carryOn(context, cluster, migration, { keep, follow })) ?? migration;
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
      follow((await migrations.get(migration.id)) ?? migration);
      io.stderr(`eks-access migrate: ${explainFailure(error)}\n`);
      return 1;
    }
  }
}

/** A person waits for it, and the next try can be minutes away. */
function tryNow(context: WorkerContext, migration: Migration): Promise<Migration> {
  return recordOnMigration(context, migration, (current) => {
    if (!current.trouble || isMigrationOver(current)) return null;
    const trouble = { ...current.trouble, retryAt: context.now().toISOString() };
    return { type: "migration.retried", after: nextMigration(current, { trouble }) };
  });
}

async function carryOn(
  worker: WorkerContext,
  cluster: Cluster,
  migration: Migration,
  driver: Required<MigrationDriver>,
): Promise<Migration | null> {
  const context = { ...worker, auditIds: requestIds() };
  try {
    const after = await runMigration(context, cluster, migration.id, driver);
    if (after) driver.follow(after);
    const dueIn = (after && migrationDueAt(after)) ?? 0;
    const waitMs = Math.max(0, Math.min(maxLookMs, dueIn - context.now().getTime()));
    if (after && !isMigrationOver(after) && waitMs > 0) await (context.pause ?? wait)(waitMs);
    return after;
  } catch (error) {
    // A worker changed the record at the same time, so read it again.
    if (hasCode(error, "record-changed")) return context.ledger.migrations.get(migration.id);
    await postponeMigration(context, migration, error);
    throw error;
  }
}

/** @throws AccessError without enough approvals */
function approvedMigration(migration: Migration | null, digest: string): Migration {
  const short = digest.slice(0, 12);
  if (migration?.plan?.digest !== digest) {
    throw new AccessError("migration-not-approved", `No approved migration has the plan ${short}`);
  }
  if (migration.state !== "pending") return migration;
  throw new AccessError("migration-not-approved", `The plan ${short} has ${migration.approvals.length} of 2 approvals`);
}

function printSteps(
  { begun, done, settlesAt }: Migration,
  printed: Set<string>,
  say: (sentence: string) => void,
): void {
  const lines = [
    ...done.map(({ name, proof }) => `${name}: ${proof.join(" ")}`),
    ...(begun === null ? [] : [`${begun.name} …`]),
    ...(settlesAt === null ? [] : [`Items stay until ${settlesAt}.`]),
  ];
  for (const line of lines.filter((each) => !printed.has(each))) {
    printed.add(line);
    say(line);
  }
}

function outcome({ state, voided, plan }: Migration, digest: string, say: (sentence: string) => void): number {
  if (state === "done") say("Carried out the plan.");
  else if (state !== "pending" && plan?.digest === digest) say(`The migration ended: ${state}. Finished steps stay.`);
  else say(`The approvals no longer count: ${voided?.message ?? "the plan changed"}. The approvers must decide again.`);
  return state === "done" ? 0 : 1;
}
