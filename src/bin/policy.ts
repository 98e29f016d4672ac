import { type Config, readConfig } from "../config/config.ts";
import type { CommandIo } from "./command-io.ts";
import { explainPolicy } from "./policy-explain.ts";
import { testPolicy } from "./policy-test.ts";
import { readInput } from "./read-input.ts";

export const policyUsage = `Usage: eks-access policy test FILE [--config FILE]
       eks-access policy explain --user ID --cluster NAME --level NAME [--group ID]… [--email ADDRESS]
                                 [--linked ARN] [--principal ARN] [--for 4h] [--at TIME] [--config FILE]

test     runs the expectations of FILE (docs/policy.md) against the policy of eks-access.yml
explain  says which rule decides, and what it asks for. User groups and the address are those that you give:
         Slack is not asked

  --config FILE   instead of EKS_ACCESS_CONFIG or eks-access.yml

Exit code: 0 every expectation holds, or the policy allows it; 1 not; 2 the input can't be used.
`;

/** `eks-access policy …`. It needs neither Redis, nor Slack, nor AWS, nor a secret. */
export async function runPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === "--help" || verb === "-h") {
    io.stdout(policyUsage);
    return 0;
  }
  const [config, others] = takeConfig(rest);
  if (verb !== "test" && verb !== "explain") return unusable(io, policyUsage);
  const reading = await readPolicy(config, io);
  if (typeof reading === "string") return unusable(io, reading);
  const told = verb === "test" ? await testPolicy(others, reading, io) : explainPolicy(others, reading, io);
  return typeof told === "string" ? unusable(io, `${told}\n\n${policyUsage}`) : told;
}

function takeConfig(argv: readonly string[]): readonly [string, readonly string[]] {
  const at = argv.indexOf("--config");
  const usual = process.env.EKS_ACCESS_CONFIG || "eks-access.yml";
  return at < 0 ? [usual, argv] : [argv[at + 1] ?? "", argv.filter((_, index) => index !== at && index !== at + 1)];
}

async function readPolicy(path: string, io: CommandIo): Promise<Config | string> {
  const input = await readInput(path, io);
  if (input.type === "unusable") return `${input.message}\n`;
  const reading = readConfig(input.text);
  if (reading.type === "config") return reading.config;
  return `${path} has problems:\n${reading.problems.map((problem) => `  - ${problem}\n`).join("")}`;
}

function unusable(io: CommandIo, message: string): number {
  io.stderr(message.startsWith("Usage") ? message : `eks-access policy: ${message}`);
  return 2;
}
