import {
  type ConfigMapFile,
  checkFile,
  type FileReport,
  type Identity,
  notTextWords,
  quote,
  readConfigMapFile,
  toSarif,
} from "../aws-auth/index.ts";
import { flag, texts } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readArguments, readInput, unusable } from "./process-io.ts";

const checkUsage = `Usage: eks-access check FILE|- [--arn ARN]… [--json | --sarif]

FILE is the ConfigMap aws-auth as YAML or JSON, or its data alone; - reads stdin. In Slack, /eks-access check CLUSTER
also looks at access entries, bindings, leases, and people who left.

  --arn ARN   also show the identity of this caller in the cluster; repeatable
  --json      print one JSON object
  --sarif     print SARIF 2.1.0, for code scanning

Example: kubectl get configmap aws-auth -n kube-system -o yaml | eks-access check -
Exit code: 0 no error and no warning, 1 at least one, 2 unusable input.
`;

export const runCheck = cliCommand("check", checkUsage, async (argv, io) => {
  const options = readOptions(argv);
  const report = checkFile(await readAwsAuthFile(options.path, io), options.arns);
  io.stdout(render(report, options));
  return report.ok ? 0 : 1;
});

async function readAwsAuthFile(path: string, io: CommandIo): Promise<ConfigMapFile> {
  const reading = readConfigMapFile(await readInput(path, io));
  return reading.type === "file" ? reading.file : unusable(`${path}: ${reading.message}`);
}

/** The same, of texts alone: a section that is a list would count as absent. */
export async function readAllTexts(path: string, io: CommandIo): Promise<ConfigMapFile> {
  const file = await readAwsAuthFile(path, io);
  for (const { key, line, column } of file.notText) {
    const { message, remedy } = notTextWords(key);
    unusable(`${path}:${line}:${column}: ${message} ${remedy}`);
  }
  return file;
}

function render(report: FileReport, { json, sarif, path }: ReturnType<typeof readOptions>): string {
  if (json) return `${JSON.stringify(report, null, 2)}\n`;
  if (sarif) return `${JSON.stringify(toSarif(report.problems, path), null, 2)}\n`;
  return checkText(report, path);
}

function readOptions(argv: readonly string[]) {
  const { values, positionals } = readArguments(argv, { arn: texts, json: flag, sarif: flag });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) return needs("one FILE, or - for stdin");
  const { arn: arns = [], json, sarif } = values;
  if (json && sarif) needs("only one of --json and --sarif");
  if (arns.some((arn) => !arn.startsWith("arn:"))) needs("an ARN with --arn");
  return { path, arns, json, sarif };
}

/** A report for people: a line for each problem, as compilers write it, with the remedy below it. */
export function checkText({ problems, resolved }: FileReport, path: string): string {
  const lines = problems.flatMap((problem) => [
    `${path}:${problem.line}:${problem.column}: ${problem.severity}: ${problem.message} [${problem.code}]`,
    `    ${problem.remedy}`,
  ]);
  for (const [arn, identity] of Object.entries(resolved)) lines.push(`${arn}: ${identityText(identity)}`);
  lines.push(summary(problems.map((problem) => problem.severity)));
  return `${lines.join("\n")}\n`;
}

/** A terminal carries out what is in a name: one with anything but printable ASCII is quoted with escapes. */
export function identityText(identity: Identity | null): string {
  if (identity === null) return "no access: the cluster refuses it";
  const names = identity.groups.map((group) => (/^[!-~]+$/.test(group) ? group : quote(group)));
  const groups = names.length === 0 ? "no groups" : `groups ${names.join(", ")}`;
  return `username ${quote(identity.username)}, ${groups}`;
}

function summary(severities: readonly string[]): string {
  const parts = ["error", "warning", "notice"].map((severity) => {
    const times = severities.filter((other) => other === severity).length;
    return `${times} ${severity}${times === 1 ? "" : "s"}`;
  });
  return parts.join(", ");
}
