import { load } from "js-yaml";
import { z } from "zod";
import { expectationForms, readExpectation } from "../access/policy/expectation.ts";
import { type Actor, type Judgement, judge } from "../access/policy/judge.ts";
import { type Config, readConfig } from "../config/config.ts";
import { problemOfYaml, problemsOfForm } from "../config/problems.ts";
import type { CommandIo } from "./command-io.ts";
import { explainPolicy } from "./policy-explain.ts";
import { readInput } from "./read-input.ts";

const person = z.strictObject({
  user: z.string().optional(),
  groups: z.array(z.string()).default([]),
  email: z.string().optional(),
  linked: z.string().optional(),
});

/** The form of a file of expectations. */
const expectationsFile = z.strictObject({
  people: z.record(z.string(), person),
  expect: z.array(z.string()).min(1, "write at least one expectation"),
});

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

/** Runs the expectations of a file. Returns the exit code, or what is wrong with the input. */
async function testPolicy(argv: readonly string[], { clusters }: Config, io: CommandIo): Promise<number | string> {
  const [path, ...more] = argv;
  if (path === undefined || more.length > 0) return "Name one FILE with expectations, or - for stdin.";
  const input = await readInput(path, io);
  if (input.type === "unusable") return input.message;
  const file = readExpectations(input.text);
  if (typeof file === "string") return `${path}: ${file}`;
  const actors = new Map(Object.entries(file.people).map(([name, each]) => [name.toLowerCase(), actorOf(name, each)]));
  const results = file.expect.map((sentence) => resultOf(sentence, { clusters, actors }));
  for (const { sentence, judgement } of results) io.stdout(lineOf(sentence, judgement));
  if (results.some(({ judgement }) => judgement.type === "unknown")) return 2;
  const failed = results.filter(({ judgement }) => judgement.type === "judged" && !judgement.holds).length;
  io.stdout(`${results.length - failed} of ${results.length} expectations hold\n`);
  return failed === 0 ? 0 : 1;
}

function readExpectations(text: string): z.output<typeof expectationsFile> | string {
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    return problemOfYaml(error).replace(/^eks-access\.yml:? ?/, "");
  }
  const read = expectationsFile.safeParse(value);
  return read.success ? read.data : problemsOfForm(read.error.issues, value).join(" ");
}

function actorOf(name: string, { user, groups, email, linked }: z.output<typeof person>): Actor {
  const domain = email === undefined ? [] : [email.slice(email.lastIndexOf("@")).toLowerCase()];
  return { user: user ?? name, memberships: [...groups, ...domain], linked: linked ?? null };
}

function resultOf(sentence: string, world: Parameters<typeof judge>[1]): { sentence: string; judgement: Judgement } {
  const expectation = readExpectation(sentence);
  if (expectation) return { sentence, judgement: judge(expectation, world) };
  const message = `this can't be read. Write one of:\n${expectationForms.map((form) => `      ${form}`).join("\n")}`;
  return { sentence, judgement: { type: "unknown", message } };
}

function lineOf(sentence: string, judgement: Judgement): string {
  if (judgement.type === "unknown") return `? ${sentence}\n    ${judgement.message}\n`;
  return `${judgement.holds ? "✓" : "✗"} ${sentence}\n    ${judgement.why}\n`;
}
