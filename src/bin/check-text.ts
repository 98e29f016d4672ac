import type { FileReport, Identity } from "../aws-auth/index.ts";

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

export function identityText(identity: Identity | null): string {
  if (identity === null) return "nobody, the cluster refuses it";
  const groups = identity.groups.length === 0 ? "no groups" : `groups ${identity.groups.join(", ")}`;
  return `username ${JSON.stringify(identity.username)}, ${groups}`;
}

function summary(severities: readonly string[]): string {
  const count = (severity: string) => severities.filter((other) => other === severity).length;
  const parts = ["error", "warning", "notice"].map((severity) => {
    const times = count(severity);
    return `${times} ${severity}${times === 1 ? "" : "s"}`;
  });
  return parts.join(", ");
}
