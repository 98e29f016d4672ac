import { readFile } from "node:fs/promises";
import { type Config, readConfig } from "../config/config.ts";
import { type Environment, type ProcessKind, readEnvironment, slackModeProblems } from "../config/environment.ts";
import { AccessError } from "../failure/access-error.ts";

export interface Settings {
  readonly environment: Environment;
  readonly config: Config;
}

/** Reads the environment and `eks-access.yml`. @throws AccessError `config-invalid` with every problem at once */
export async function readSettings(kind: ProcessKind): Promise<Settings> {
  const { environment, problems } = readEnvironment(process.env, kind);
  const file = process.env.EKS_ACCESS_CONFIG || "eks-access.yml";
  const text = await readFile(file, "utf8").catch(() => null);
  const reading =
    text === null
      ? {
          type: "invalid" as const,
          problems: [`${file}: the file can't be read. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.`],
        }
      : readConfig(text);
  const all = [...problems, ...(reading.type === "invalid" ? reading.problems : [])];
  if (reading.type === "config") all.push(...slackModeProblems(process.env, kind, reading.config.slack.mode));
  if (all.length > 0 || !environment || reading.type === "invalid") {
    const list = all.map((problem) => `\n  - ${problem}`).join("");
    throw new AccessError(
      "config-invalid",
      `The configuration has ${all.length} problem${all.length === 1 ? "" : "s"}`,
      { mend: `Correct ${all.length === 1 ? "it" : "them"} and start again:${list}` },
    );
  }
  return { environment, config: reading.config };
}
