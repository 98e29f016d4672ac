import { writeFile } from "node:fs/promises";
import { readConfigMap } from "../aws-auth/config-map.ts";
import { parseDocument } from "../aws-auth/parse.ts";
import { type PlanResult, planChanges, type Refusal } from "../aws-auth/plan.ts";
import { writeConfigMap } from "../aws-auth/write-config-map.ts";
import type { CommandIo } from "./command-io.ts";
import { planUsage, readPlanOptions } from "./plan-options.ts";
import { planText } from "./plan-text.ts";
import { readInput, reasonOf } from "./read-input.ts";

/** `eks-access plan …`. The exit code: 0 planned, 1 refused, 2 unusable input. */
export async function runPlan(argv: readonly string[], io: CommandIo): Promise<number> {
  const options = readPlanOptions(argv);
  if (options.type === "help") {
    io.stdout(planUsage);
    return 0;
  }
  if (options.type === "wrong") return unusable(io, `${options.message}\n\n${planUsage}`);
  const input = await readInput(options.path, io);
  if (input.type === "unusable") return unusable(io, `${input.message}\n`);
  const reading = readConfigMap(input.text);
  if (reading.type === "unusable") return unusable(io, `${options.path}: ${reading.message}\n`);
  const [notText] = reading.file.notText;
  if (notText !== undefined) {
    const where = `${options.path}:${notText.line}:${notText.column}`;
    return unusable(
      io,
      `${where}: the value of ${notText.key} is not text. Write ${notText.key}: | before its lines.\n`,
    );
  }
  const { data } = reading.file;
  const document = parseDocument(data);
  const changes = options.changes(document);
  if (changes.type === "wrong") return unusable(io, `${changes.message}\n`);
  const result = planChanges(document, changes.changes, options.guard);
  const refusal = refusalOf(result);
  io.stdout(options.json ? planJson(result, refusal, data) : planText(result, refusal, io.colour));
  if (refusal !== null || result.type === "refused") return 1;
  return options.out === null ? 0 : writeOut(options.out, writeConfigMap(reading.file, result.after), io);
}

/** A command asks for all or nothing: one change that is refused refuses the plan. */
function refusalOf(result: PlanResult): Refusal | null {
  return result.type === "refused" ? result.refusal : (result.refused[0] ?? null);
}

function planJson(result: PlanResult, refusal: Refusal | null, data: Readonly<Record<string, string>>): string {
  const isPlanned = result.type === "planned" && refusal === null;
  const report = {
    ok: isPlanned,
    refusal: refusal === null ? null : { code: refusal.code, message: refusal.message },
    after: isPlanned ? result.after : data,
    diff: isPlanned ? result.diff : "",
    changes: isPlanned ? result.differences : [],
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

async function writeOut(path: string, text: string, io: CommandIo): Promise<number> {
  try {
    await writeFile(path, text);
    return 0;
  } catch (error) {
    return unusable(io, `${path} can't be written: ${reasonOf(error)}.\n`);
  }
}

function unusable(io: CommandIo, message: string): number {
  io.stderr(`eks-access plan: ${message}`);
  return 2;
}
