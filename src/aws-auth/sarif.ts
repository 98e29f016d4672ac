import type { FileProblem } from "./check-file.ts";

const LEVELS = { error: "error", warning: "warning", notice: "note" } as const;

/** Problems as SARIF 2.1.0, which code scanning reads. `path` is the file that was checked, relative to the repository. */
export function toSarif(problems: readonly FileProblem[], path: string) {
  const codes = [...new Set(problems.map((problem) => problem.code))].sort();
  const uri = path === "-" ? "stdin" : path.split(/[\\/]/).map(encodeURIComponent).join("/");
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "eks-access", rules: codes.map((id) => ({ id })) } },
        columnKind: "utf16CodeUnits",
        results: problems.map((problem) => ({
          ruleId: problem.code,
          ruleIndex: codes.indexOf(problem.code),
          level: LEVELS[problem.severity],
          message: { text: `${problem.message} ${problem.remedy}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri },
                region: { startLine: problem.line, startColumn: problem.column },
              },
            },
          ],
        })),
      },
    ],
  };
}
