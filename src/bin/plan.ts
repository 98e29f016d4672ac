import { realpath, stat, writeFile } from "node:fs/promises";
import { styleText } from "node:util";
import { canonicalCaller, readPrincipal } from "../access/arn.ts";
import type { Change, Refusal } from "../access/principal.ts";
import { forTerminal } from "../access/redact.ts";
import {
  type AwsAuthDocument,
  type ConfigMapFile,
  cannotChange,
  entryOf,
  type Identity,
  isAccountId,
  locator,
  offerRepairs,
  type PlanGuard,
  type PlannedText,
  parseDocument,
  planChanges,
  type RefusedPlan,
  type Repair,
  withFileLines,
  writeConfigMap,
} from "../aws-auth/index.ts";
import { identityText, readAllTexts } from "./check.ts";
import { flag, text, texts } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readArguments, unusable, unwritable, writeFiles } from "./process-io.ts";

const planUsage = `Usage: eks-access plan FILE|- [--add ARN --username U --groups A,B | --remove ARN]… [options]
       eks-access plan FILE|- --repairs [--json]
       eks-access plan FILE|- --repair N [options]

FILE is the ConfigMap aws-auth as YAML or JSON, or its data alone; - reads stdin. The plan shows the change, and who can
do what before and after it. It changes nothing in a cluster.

  --add ARN                 map this role or user; repeatable
  --username U              the username of the --add before it; by default an existing entry keeps its own
  --groups A,B              the groups of the --add before it; by default an existing entry keeps its own
  --remove ARN              remove the entry of this role or user; repeatable
  --repairs                 list the possible repairs
  --repair N                plan one of them, by its number
  --creator ARN             the cluster's creator; the plan never adds it
  --account ID              the cluster's account; the plan refuses ARNs of other accounts
  --allow-account ID        also allow ARNs of this account; repeatable
  --partition NAME          the cluster's partition; the plan refuses ARNs of others
  --allow-masters           allow the group system:masters
  --allow-no-administrator  allow to remove the last member of system:masters
  --json                    print one JSON object
  --out FILE                write the ConfigMap after the plan

Example: eks-access plan aws-auth.yaml --add arn:aws:iam::111122223333:role/dev --username dev --groups developers
Exit code: 0 planned, 1 refused, 2 unusable input.
`;

type Task =
  | { type: "changes"; asked: readonly CommandLineChange[] }
  | { type: "repairs" }
  | { type: "repair"; number: number };

type PlanOptions = ReturnType<typeof readPlanOptions>;

const options = {
  ...{ add: texts, username: texts, groups: texts, remove: texts, repairs: flag, repair: text },
  ...{ creator: text, account: text, "allow-account": texts, partition: text },
  ...{ "allow-masters": flag, "allow-no-administrator": flag, json: flag, out: text },
};

function readPlanOptions(argv: readonly string[]) {
  const read = parse(argv);
  const { values, positionals } = read;
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) return needs("one FILE, or - for stdin");
  return { path, task: readTask(read), guard: readGuard(values), json: values.json, out: values.out ?? null };
}

const parse = (argv: readonly string[]) => readArguments(argv, options, ["groups"]);

type Parsed = ReturnType<typeof parse>;

function readTask({ values, tokens }: Parsed): Task {
  const asked = readChanges(
    tokens.flatMap((token) => (token.kind === "option" ? [[token.name, token.value ?? ""] as const] : [])),
  );
  const tasks: Task[] = [];
  if (asked.length > 0) tasks.push({ type: "changes", asked });
  if (values.repairs) tasks.push({ type: "repairs" });
  if (values.repair !== undefined) tasks.push({ type: "repair", number: Number(values.repair) });
  const [task, ...others] = tasks;
  if (task === undefined || others.length > 0) return needs("--add and --remove, or --repairs, or --repair N");
  return task;
}

function readGuard(values: Parsed["values"]): PlanGuard {
  // One that no caller has would guard nothing.
  if (values.creator !== undefined && canonicalCaller(values.creator) === null) needs("an ARN with --creator");
  return {
    ...(values.creator === undefined ? {} : { creatorArn: values.creator }),
    ...(values.account === undefined ? {} : { account: values.account }),
    ...(values.partition === undefined ? {} : { partition: values.partition }),
    allowForeignAccounts: values["allow-account"] ?? [],
    allowMasters: values["allow-masters"],
    allowNoAdministrator: values["allow-no-administrator"],
  };
}

/** The changes of the command line. An addition without a name or groups keeps those of the document. */
type CommandLineChange =
  | { type: "add"; arn: string; username?: string; groups?: readonly string[] }
  | { type: "remove"; arn: string };

function readChanges(given: readonly (readonly [name: string, value: string])[]): readonly CommandLineChange[] {
  const asked: CommandLineChange[] = [];
  for (const [name, value] of given) {
    const last = asked.at(-1);
    if (name === "add") asked.push({ type: "add", arn: value });
    else if (name === "remove") asked.push({ type: "remove", arn: value });
    else if (name !== "username" && name !== "groups") continue;
    else if (last?.type !== "add" || last[name] !== undefined) needs(`--${name} after the --add that it belongs to`);
    else if (name === "username") last.username = value;
    else last.groups = value === "" ? [] : value.split(",");
  }
  return asked;
}

/** A new entry needs a name; an existing one can keep its own. */
function toChanges(document: AwsAuthDocument, asked: readonly CommandLineChange[]): readonly Change[] {
  const changes: Change[] = [];
  for (const item of asked) {
    const { arn } = item;
    const entry = entryOf(document, arn);
    if (item.type === "remove") {
      changes.push({ type: "unmap", arn });
      continue;
    }
    const username = item.username ?? entry?.username;
    // No username helps an ARN that can't be mapped: the plan refuses it, and says why.
    const isMappable = readPrincipal(arn).type === "principal";
    if (username === undefined && isMappable) unusable(`${arn} has no entry yet. Add --username for it.`);
    changes.push({ type: "map", arn, username: username ?? "", groups: item.groups ?? entry?.groups ?? [] });
  }
  return changes;
}

export const runPlan = cliCommand("plan", planUsage, async (argv, io) => {
  const options = readPlanOptions(argv);
  const { path, task } = options;
  const file = await readAllTexts(path, io);
  const document = parseDocument(file.data);
  if (task.type === "repairs") return listRepairs(document, file, options, io);
  return printPlan(planTask(document, task, options), file, options, io);
});

function planTask(
  document: AwsAuthDocument,
  task: Exclude<Task, { type: "repairs" }>,
  { guard }: PlanOptions,
): PlannedText | RefusedPlan {
  if (task.type === "changes") return planChanges(document, toChanges(document, task.asked), guard);
  const repair = offerRepairs(document)[task.number - 1];
  return repair?.plan ?? unusable("No such repair. See --repairs.");
}

function listRepairs(document: AwsAuthDocument, file: ConfigMapFile, { json, path }: PlanOptions, io: CommandIo) {
  const locate = locator(file);
  // In the file, as `check` counts.
  const repairs = offerRepairs(document).map((each) => ({ ...each, ...locate(each.section, each.line, null) }));
  const rows = repairs.map(({ code, section, line, message, plan: { diff } }) => {
    return { code, section, line, message, diff };
  });
  io.stdout(
    json ? `${JSON.stringify({ repairs: rows }, null, 2)}\n` : repairsText(repairs, path, io.colour),
    !json && io.colour,
  );
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
  io.stdout(json ? planJson(plan, refusal, file.data) : planText(plan, refusal, io.colour), !json && io.colour);
  if (plan === null) return 1;
  if (out === null || written === null) return 0;
  await write(out, written);
  if (!json) io.stdout(`Wrote ${out}.\n`);
  return 0;
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

/** It can be the file of the plan, and the only copy. A device or a pipe has no whole to keep. */
async function write(path: string, text: string): Promise<void> {
  try {
    const found = await stat(path).catch(() => null);
    if (!found) await writeFiles(new Map([[path, text]]), true);
    else if (found.isFile()) await writeFiles(new Map([[await realpath(path), text]]), true, found.mode & 0o777);
    else await writeFile(path, text);
  } catch (error) {
    unusable(unwritable(path, error));
  }
}

type Paint = (style: "bold" | "cyan" | "green" | "red" | null, text: string) => string;

function planText(plan: PlannedText | null, refusal: Refusal | null, colour: boolean): string {
  const paint = painter(colour);
  if (refusal !== null) return `${paint("red", "Refused:")} ${paint(null, refusal.message)} [${refusal.code}]\n`;
  if (!plan?.diff) return "Nothing to change.\n";
  const access = plan.differences.flatMap(({ arn, before, after }) => [
    paint("bold", arn),
    paint(null, `  before: ${accessText(arn, before)}`),
    paint(null, `  after:  ${accessText(arn, after)}`),
  ]);
  const room = `aws-auth has ${plan.bytesLeft} bytes left of its 1 MiB.`;
  return [...diffLines(plan.diff, paint), ...access, room, ""].join("\n");
}

function accessText(arn: string, identity: Identity | null): string {
  return identity && isAccountId(arn) ? "each caller gets its ARN as username, no groups" : identityText(identity);
}

function repairsText(repairs: readonly Repair[], path: string, colour: boolean): string {
  const paint = painter(colour);
  if (repairs.length === 0) return "No repairs. eks-access check shows all problems.\n";
  const lines = repairs.flatMap(({ code, line, message, plan }, index) => [
    `${paint("bold", `${index + 1}.`)} ${paint(null, `${path}:${line}: ${message}`)} [${code}]`,
    ...diffLines(plan.diff, paint),
  ]);
  return lines.join("\n");
}

function painter(colour: boolean): Paint {
  // A colour in a document is none of ours.
  const painted: Paint = (style, text) =>
    style === null ? forTerminal(text) : styleText(style, forTerminal(text), { validateStream: false });
  return colour ? painted : (_, text) => text;
}

function diffLines(diff: string, paint: Paint): string[] {
  return diff.split("\n").map((line) => {
    if (line.startsWith("---") || line.startsWith("+++")) return paint("bold", line);
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("+")) return paint("green", line);
    return line.startsWith("-") ? paint("red", line) : paint(null, line);
  });
}
