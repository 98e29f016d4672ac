import type { MigrationSummary } from "../access/migration/move.ts";

/** A plan of a migration for people. */
export function migrationText(cluster: string, summary: MigrationSummary): string {
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
