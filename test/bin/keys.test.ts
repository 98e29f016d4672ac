import { expect, test } from "vitest";
import { runKeys } from "../../src/bin/keys.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { runCommand } from "./check-run.ts";

/** The variables of the lines below this heading, up to the next one. */
function variablesBelow(stdout: string, heading: string): Record<string, string> {
  const [, below = ""] = stdout.split(`# ${heading}\n`);
  const [lines = ""] = below.split("\n#");
  return Object.fromEntries([...lines.matchAll(/^([A-Z_]+)=(\S+)$/gm)].map(([, name, value]) => [name, value]));
}

test("the keys that are printed are all that each process needs, and each verifies what the other one signs", async () => {
  const { code, stdout, stderr } = await runCommand(runKeys, []);
  const slack = { ...variablesBelow(stdout, "For the Slack process only"), SLACK_BOT_TOKEN: "xoxb-1" };
  const worker = variablesBelow(stdout, "For the worker only");

  const inSlack = readEnvironment(slack, "slack");
  const inWorker = readEnvironment(worker, "worker");

  expect([code, stderr, inSlack.problems, inWorker.problems]).toEqual([0, "", [], []]);
  const decision = inSlack.environment?.slackKeys?.decision.seal("decision", 1);
  const preview = inWorker.environment?.workerKeys?.preview.seal("preview", 1);
  expect(inWorker.environment?.workerKeys?.decision.isSealed("decision", 1, decision)).toBe(true);
  expect(inSlack.environment?.slackKeys?.preview.isSealed("preview", 1, preview)).toBe(true);
});

test("each line is one that an environment file takes as it is: one line, and nothing that is expanded", async () => {
  const { stdout } = await runCommand(runKeys, []);
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

  expect(lines).toHaveLength(5);
  for (const line of lines) expect(line).toMatch(/^[A-Z_]+=[A-Za-z0-9+/]+=*$/);
});

test("other keys are made each time", async () => {
  const [one, other] = [await runCommand(runKeys, []), await runCommand(runKeys, [])];
  const values = [...`${one.stdout}${other.stdout}`.matchAll(/=(\S+)$/gm)].map(([, value]) => value);

  expect(new Set(values).size).toBe(10);
});

test("an argument is refused, with how to call it", async () => {
  expect(await runCommand(runKeys, ["--write"])).toMatchObject({ code: 2, stdout: "" });
});
