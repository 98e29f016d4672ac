import { parseArgs } from "node:util";
import type { PlanGuard } from "../aws-auth/index.ts";
import { type Asked, readAsked } from "./plan-changes.ts";

export interface PlanOptions {
  type: "plan";
  path: string;
  /** Changes, the list of repairs, or one of them by its number from 1. */
  task: { type: "changes"; asked: readonly Asked[] } | { type: "repairs" } | { type: "repair"; number: number };
  guard: PlanGuard;
  json: boolean;
  out: string | null;
}

const OPTIONS = {
  add: { type: "string", multiple: true },
  username: { type: "string", multiple: true },
  groups: { type: "string", multiple: true },
  remove: { type: "string", multiple: true },
  repairs: { type: "boolean" },
  repair: { type: "string" },
  creator: { type: "string" },
  account: { type: "string" },
  "allow-account": { type: "string", multiple: true },
  partition: { type: "string" },
  "allow-masters": { type: "boolean" },
  "allow-no-administrator": { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the arguments of `plan`. */
export function readPlanOptions(
  argv: readonly string[],
): PlanOptions | { type: "help" } | { type: "wrong"; message: string } {
  try {
    const parsed = parse(argv);
    const { values, positionals } = parsed;
    if (values.help) return { type: "help" };
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) return wrong("Name one FILE, or - for stdin.");
    const task = readTask(parsed);
    if (task.type === "wrong") return task;
    return { type: "plan", path, task, guard: readGuard(values), json: values.json ?? false, out: values.out ?? null };
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

type Parsed = ReturnType<typeof parse>;

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS, tokens: true });
}

function readTask({ values, tokens }: Parsed): PlanOptions["task"] | { type: "wrong"; message: string } {
  const asked = readAsked(
    tokens.flatMap((token) => (token.kind === "option" ? [[token.name, token.value ?? ""] as const] : [])),
  );
  if (asked.type === "wrong") return asked;
  const tasks: PlanOptions["task"][] = [];
  if (asked.value.length > 0) tasks.push({ type: "changes", asked: asked.value });
  if (values.repairs) tasks.push({ type: "repairs" });
  if (values.repair !== undefined) tasks.push({ type: "repair", number: Number(values.repair) });
  const [task, ...others] = tasks;
  if (task === undefined || others.length > 0)
    return wrong("Say what to plan: --add and --remove, or --repairs, or --repair N.");
  return task;
}

function readGuard(values: Parsed["values"]): PlanGuard {
  return {
    ...(values.creator === undefined ? {} : { creatorArn: values.creator }),
    ...(values.account === undefined ? {} : { account: values.account }),
    ...(values.partition === undefined ? {} : { partition: values.partition }),
    allowForeignAccounts: values["allow-account"] ?? [],
    allowMasters: values["allow-masters"] ?? false,
    allowNoAdministrator: values["allow-no-administrator"] ?? false,
  };
}

function wrong(message: string): { type: "wrong"; message: string } {
  return { type: "wrong", message };
}
