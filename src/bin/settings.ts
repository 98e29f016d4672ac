import { readFile } from "node:fs/promises";
import type { WorkerKeys } from "../access/approval/seal.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { type Config, readConfig } from "../config/config.ts";
import { type Environment, readEnvironment, slackModeProblems } from "../config/environment.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import { openQueues } from "../ledger/queues.ts";
import { connectLedger } from "../ledger/redis/connect.ts";
import { redisLedger } from "../ledger/redis/ledger.ts";
import { FailureLog } from "../operations/failure-log.ts";
import { createLog } from "../operations/log.ts";
import type { WorkerContext } from "../worker/context.ts";

export interface Settings {
  readonly environment: Environment;
  readonly config: Config;
}

/** Reads the environment and `eks-access.yml`. @throws AccessError `config-invalid` with every problem at once */
export async function readSettings(kind: ProcessKind): Promise<Settings> {
  const { environment, problems } = readEnvironment(process.env, kind);
  const file = process.env.EKS_ACCESS_CONFIG || "eks-access.yml";
  const reading = await readFile(file, "utf8").then(readConfig, (error: unknown) => ({
    type: "invalid" as const,
    problems: [problemOfFile(file, error)],
  }));
  const all = [...problems, ...(reading.type === "invalid" ? reading.problems : [])];
  if (reading.type === "config") all.push(...slackModeProblems(process.env, kind, reading.config.slack.mode));
  if (all.length > 0 || !environment || reading.type === "invalid") {
    const list = all.map((problem) => `\n  - ${problem}`).join("");
    throw new AccessError(
      "config-invalid",
      `The configuration has ${all.length} problem${all.length === 1 ? "" : "s"}`,
      { remedy: `Correct ${all.length === 1 ? "it" : "them"} and start again:${list}` },
    );
  }
  return { environment, config: reading.config };
}

/** The mistake behind a file that can't be read, by the system's code, and its fix. */
function problemOfFile(file: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  const problem =
    problemsByCode[code] ?? `eks-access can't read the file (${code}). Set EKS_ACCESS_CONFIG to another file.`;
  return `${file}: ${problem}`;
}

const problemsByCode: Readonly<Record<string, string>> = {
  ENOENT: "no such file. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.",
  EACCES: "permission denied. Let this process's user read the file and enter its folders.",
  EISDIR:
    "it is a directory. Docker creates one if the file to mount is missing: remove it, put the file there, and recreate the container.",
};

/** The keys of the worker, for a command that works in its place. */
export function workerKeysOf({ environment }: Settings): WorkerKeys {
  if (environment.workerKeys) return environment.workerKeys;
  throw new Error("These settings have no keys of a worker.");
}

/** Runs a command that ends by itself in the worker's place, with its ledger. @throws AccessError */
export async function withWorkerContext<T>(
  settings: Settings,
  name: string,
  run: (context: WorkerContext) => Promise<T>,
): Promise<T> {
  const { environment, config } = settings;
  const { redis, forQueues, close } = await connectLedger(environment.redisUrl, environment.redisAccess);
  const queues = openQueues(forQueues);
  const log = createLog("silent", name);
  try {
    return await run({
      ledger: redisLedger(redis),
      queues,
      log,
      failures: new FailureLog(log),
      config,
      keys: workerKeysOf(settings),
      now: () => new Date(),
    });
  } finally {
    await queues.close();
    await close();
  }
}
