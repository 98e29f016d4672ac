import { writeFile } from "node:fs/promises";
import { styleText } from "node:util";
import type { Refusal } from "../access/principal.ts";
import {
  type AwsAuthDocument,
  type ConfigMapFile,
  cannotChange,
  type Identity,
  isAccountId,
  locator,
  offerRepairs,
  type PlannedText,
  parseDocument,
  planChanges,
  type RefusedPlan,
  type Repair,
  withFileLines,
  writeConfigMap,
} from "../aws-auth/index.ts";
import { identityText, readAwsAuthFile } from "./check.ts";
import { type PlanOptions, planUsage, readPlanOptions, toChanges } from "./plan-options.ts";
import { type CommandIo, cliCommand, reasonOf, unusable } from "./process-io.ts";

export const runPlan = cliCommand("plan", planUsage, async (argv, io) => {
  const options = readPlanOptions(argv);
  const { path, task } = options;
  const file = await readAwsAuthFile(path, io);
  for (const { key, line, column } of file.notText) {
    unusable(`${path}:${line}:${column}: the value of ${key} is not text. Write ${key}: | above its lines.`);
  }
  const document = parseDocument(file.data);
  if (task.type === "repairs") return listRepairs(document, file, options, io);
  return printPlan(planTask(document, task, options), file, options, io);
});

function planTask(
  document: AwsAuthDocument,
  task: Exclude<PlanOptions["task"], { type: "repairs" }>,
  { guard }: PlanOptions,
): PlannedText | RefusedPlan {
  if (task.type === "changes") return planChanges(document, toChanges(document, task.asked), guard);
  const repair = offerRepairs(document)[task.number - 1];
  return repair?.plan ?? unusable("No such repair. List the repairs with --repairs.");
}

function listRepairs(
  document: AwsAuthDocument,
  file: ConfigMapFile,
  { json, path }: PlanOptions,
  io: CommandIo,
): number {
  const locate = locator(file);
  // In the file, as `check` counts.
  const repairs = offerRepairs(document).map((each) => ({ ...each, ...locate(each.section, each.line, null) }));
  const rows = repairs.map(({ code, section, line, message, plan }) => ({
    code,
    section,
    line,
    message,
    diff: plan.diff,
  }));
  io.stdout(json ? `${JSON.stringify({ repairs: rows }, null, 2)}\n` : repairsText(repairs, path, io.colour));
  return 0;
}

async function printPlan(
  result: PlannedText | RefusedPlan,
  file: ConfigMapFile,
  { json, out, path }: PlanOptions,
  io: CommandIo,
): Promise<number> {
  // A command is all or nothing: one refused change refuses the plan.
  const [refused = null] = result.type === "refused" ? [result.refusal] : result.refused;
  const refusal = refused && { ...refused, message: withFileLines(refused.message, file) };
  const plan = result.type === "planned" && refusal === null ? result : null;
  const written =
    plan === null || out === null ? null : (writeConfigMap(file, plan.after) ?? unusable(cannotChange(path)));
  io.stdout(json ? planJson(plan, refusal, file.data) : planText(plan, refusal, io.colour));
  if (plan === null) return 1;
  return out === null || written === null ? 0 : write(out, written);
}

function planJson(plan: PlannedText | null, refusal: Refusal | null, data: Readonly<Record<string, string>>): string {
  const report = {
    ok: plan !== null,
    refusal: refusal === null ? null : { code: refusal.code, message: refusal.message },
    after: plan?.after ?? data,
    diff: plan?.diff ?? "",
    changes: plan?.differences ?? [],
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

async function write(path: string, text: string): Promise<number> {
  try {
    await writeFile(path, text);
    return 0;
  } catch (error) {
    return unusable(`Can't write ${path}: ${reasonOf(error)}.`);
  }
}

type Paint = (style: "bold" | "cyan" | "green" | "red", text: string) => string;

function planText(plan: PlannedText | null, refusal: Refusal | null, colour: boolean): string {
  const paint = painter(colour);
  if (refusal !== null) return `${paint("red", "Refused:")} ${refusal.message} [${refusal.code}]\n`;
  if (!plan?.diff) return "Nothing to change.\n";
  const access = plan.differences.flatMap(({ arn, before, after }) => [
    paint("bold", arn),
    `  before: ${accessText(arn, before)}`,
    `  after:  ${accessText(arn, after)}`,
  ]);
  const room = `The ConfigMap has ${plan.bytesLeft} bytes left of its 1 MiB.`;
  return [...diffLines(plan.diff, paint), ...access, room, ""].join("\n");
}

function accessText(arn: string, identity: Identity | null): string {
  return identity && isAccountId(arn) ? "each caller gets its ARN as username, no groups" : identityText(identity);
}

function repairsText(repairs: readonly Repair[], path: string, colour: boolean): string {
  const paint = painter(colour);
  if (repairs.length === 0) return "No repairs. eks-access check shows every problem.\n";
  const lines = repairs.flatMap(({ code, line, message, plan }, index) => [
    `${paint("bold", `${index + 1}.`)} ${path}:${line}: ${message} [${code}]`,
    ...diffLines(plan.diff, paint),
  ]);
  return lines.join("\n");
}

function painter(colour: boolean): Paint {
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
}

function diffLines(diff: string, paint: Paint): string[] {
  return diff.split("\n").map((line) => {
    if (line.startsWith("---") || line.startsWith("+++")) return paint("bold", line);
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("+")) return paint("green", line);
    return line.startsWith("-") ? paint("red", line) : line;
  });
}
