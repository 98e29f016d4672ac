import { load } from "js-yaml";
import { z } from "zod";
import { expectationForms, readExpectation } from "../access/policy/expectation.ts";
import { type Actor, type Judgement, judge } from "../access/policy/judge.ts";
import type { Config } from "../config/config.ts";
import { problemOfYaml, problemsOfForm } from "../config/problems.ts";
import type { CommandIo } from "./command-io.ts";
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

/** Runs the expectations of a file. Returns the exit code, or what is wrong with the input. */
export async function testPolicy(
  argv: readonly string[],
  { clusters }: Config,
  io: CommandIo,
): Promise<number | string> {
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
