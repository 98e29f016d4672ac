import { parseArgs } from "node:util";
import type { MigrationSummary } from "../access/migration/migration.ts";
import { type MigrationFacts, principalKey } from "../diagnosis/migration/facts.ts";
import { type MigrationResult, planMigration } from "../diagnosis/migration/plan.ts";
import { summarizeMigration } from "../diagnosis/migration/summary.ts";
import { gatherMigration } from "../worker/migration/gather-migration.ts";
import type { CommandIo } from "./command-io.ts";
import { type Application, applyPlan } from "./migrate-apply.ts";
import { readSettings } from "./settings.ts";
import { withWorkerContext } from "./worker-context.ts";

export const migrateUsage = `Usage: eks-access migrate CLUSTER [--arn ARN]… [--json]
       eks-access migrate CLUSTER --apply PLAN [--backup FILE]

Plans the move of a cluster from aws-auth to access entries, in the worker's environment, and writes nothing; or carries out
the plan of this digest in a worker's place, where it was asked for in Slack (/eks-access migrate) and two approvers have
approved it there.

  --arn ARN   the ARN of a role with its path, which aws-auth does not know; as often as needed
  --json      the plan as JSON
  --apply     the digest of the plan
  --backup    where aws-auth is also kept as it was before anything is taken out of it

Exit code: 0 planned or carried out, 1 refused or stopped, 2 unusable.
`;

interface MigrateOptions {
  readonly cluster: string;
  readonly told: readonly string[];
  readonly json: boolean;
  readonly apply: Application | null;
}

/** `eks-access migrate …`. @throws AccessError */
export async function runMigrate(argv: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === "string") {
    io.stderr(`eks-access migrate: ${options}\n\n${migrateUsage}`);
    return 2;
  }
  const settings = await readSettings("worker");
  const cluster = settings.config.clusters.get(options.cluster);
  if (!cluster) {
    io.stderr(
      `There is no cluster ${options.cluster}. Clusters: ${[...settings.config.clusters.keys()].join(", ")}.\n`,
    );
    return 2;
  }
  const { apply } = options;
  if (apply) {
    return withWorkerContext(settings, "migrate", (context) => applyPlan(context, cluster, apply, io));
  }
  const facts = await withWorkerContext(settings, "migrate", (context) =>
    gatherMigration(context, cluster, "migrate", options.told),
  );
  const stray = strayArn(facts);
  if (stray !== undefined) {
    io.stderr(`eks-access migrate: aws-auth of ${cluster.name} has no item for ${stray}.\n`);
    return 2;
  }
  return tell(cluster.name, planMigration(facts), options, io);
}

const known = {
  arn: { type: "string", multiple: true },
  json: { type: "boolean" },
  apply: { type: "string" },
  backup: { type: "string" },
} as const;

function readOptions(argv: readonly string[]): MigrateOptions | string {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: known });
    const [cluster, ...rest] = positionals;
    if (cluster === undefined || rest.length > 0) return "Name one cluster.";
    const { apply, backup, arn: told = [], json = false } = values;
    if (apply === undefined && backup !== undefined) return "--backup goes with --apply.";
    const application = apply === undefined ? null : { digest: apply, backup: backup ?? null };
    return { cluster, told, json, apply: application };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** An ARN that was told for nobody is a slip of the pen: what was meant would then move without its path. */
function strayArn({ told, document }: MigrationFacts): string | undefined {
  const known = new Set(document.entries.map(({ arn }) => principalKey(arn)));
  return told.find((arn) => !known.has(principalKey(arn)));
}

function tell(cluster: string, result: MigrationResult, { json }: MigrateOptions, io: CommandIo): number {
  if (result.type === "refused") {
    const { code, message } = result;
    io.stdout(
      json
        ? `${JSON.stringify({ ok: false, refusal: { code, message } }, null, 2)}\n`
        : `Refused: ${message} [${code}]\n`,
    );
    return 1;
  }
  const summary = summarizeMigration(result);
  const report = { ok: true, cluster, ...summary, plan: result.steps };
  io.stdout(json ? `${JSON.stringify(report, null, 2)}\n` : migrationText(cluster, summary));
  return 0;
}

/** A plan of a migration for people. */
function migrationText(cluster: string, summary: MigrationSummary): string {
  const { mode, items, steps, keptBecause, before, digest } = summary;
  const of = items.flatMap(({ place, arn, sentences }) => [
    `  ${place}: ${arn}`,
    ...sentences.map((text) => `    ${text}`),
  ]);
  const numbered = steps.flatMap(({ does, proof, undo }, index) => [
    `  ${index + 1}. ${does}`,
    `     Proof: ${proof}`,
    `     Back: ${undo}`,
  ]);
  return [
    `${cluster} has the authentication mode ${mode}.`,
    "",
    "What becomes of each item of aws-auth",
    ...(of.length > 0 ? of : ["  There are none."]),
    "",
    "Steps",
    ...(numbered.length > 0 ? numbered : ["  There is nothing to do."]),
    ...(keptBecause === null ? [] : ["", `aws-auth is left as it is. ${keptBecause}`]),
    "",
    ...lastStep(before),
    "",
    `Plan ${digest}`,
    "",
  ].join("\n");
}

/** Nobody reads aws-auth in the mode API, and there is no way back: that step is an operator's own. */
function lastStep(before: readonly string[]): string[] {
  const command = "aws eks update-cluster-config --access-config authenticationMode=API, which can't be taken back";
  if (before.length === 0) return [`After that nothing needs aws-auth any more: ${command}.`];
  return ["Before the mode can be API", ...before.map((text) => `  ${text}`)];
}
