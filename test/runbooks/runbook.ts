import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { audit } from "../../src/bin/audit.ts";
import { runCheck } from "../../src/bin/check.ts";
import { doctor } from "../../src/bin/doctor.ts";
import { runPlan } from "../../src/bin/plan.ts";
import { recover } from "../../src/bin/recover.ts";
import { retire } from "../../src/bin/retire.ts";
import { type CommandRun, runCommand } from "../bin/check-run.ts";

const [, page = ""] = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8").split(
  "\n## Runbooks\n",
);

/** Every runbook of docs/operating.md, by its heading. */
export const runbooks: ReadonlyMap<string, string> = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf("\n")), text]),
);

/** What people see, by the runbook: its quoted lines. `…` stands for what differs from case to case. */
function sentencesOf(heading: string): readonly string[] {
  return [...(runbooks.get(heading) ?? "").matchAll(/^ *> (.+)$/gm)].map(([, sentence = ""]) => sentence);
}

/** Fails for each sentence of the runbook that no one could read in this play, and where it has none at all. */
export function expectSentences(heading: string, readable: readonly string[]): void {
  const sentences = sentencesOf(heading);
  const isRead = (sentence: string) => {
    const parts = sentence.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(parts.join("[\\s\\S]*?"));
    return readable.some((text) => pattern.test(text));
  };

  expect(sentences.length, `what people see, in "${heading}"`).toBeGreaterThan(0);
  const unread = sentences.filter((sentence) => !isRead(sentence));
  expect(unread, `read was:\n${readable.join("\n")}`).toEqual([]);
}

/** The lines to type of a runbook: those of its blocks, and those within its sentences. */
export function linesOf(heading: string): readonly string[] {
  const text = runbooks.get(heading) ?? "";
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]+?)^ *```$/gm)].flatMap(([, block = ""]) => block.split("\n"));
  const outside = text.replaceAll(/^ *```sh\n[\s\S]+?^ *```$/gm, "");
  const inline = [...outside.matchAll(/`((?:eks-access|\/eks-access|docker compose|kubectl) [^`]+)`/g)];
  return [...blocks.map((line) => line.trim()).filter((line) => line !== ""), ...inline.map(([, line = ""]) => line)];
}

/** The words of a line, as a shell reads them: quotes are taken off, and nothing else is special. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

/**
 * The line of a runbook that begins so. What is in capitals on the page is what `given` says. Fails where the page has
 * no such line.
 */
export function lineOf(
  heading: string,
  begin: string,
  given: Readonly<Record<string, string>> = {},
): readonly string[] {
  const line = linesOf(heading).find((each) => each.startsWith(begin));
  if (!line) throw new Error(`The runbook "${heading}" has no line ${begin}`);
  return wordsOf(line).map((word) => given[word] ?? word);
}

/** What a runbook puts into the environment as this variable, in its order: lists of the names that `given` explains. */
export function settingsOf(heading: string, name: string, given: Readonly<Record<string, string>>): readonly string[] {
  const settings = (runbooks.get(heading) ?? "").matchAll(new RegExp(`\`${name}=([^\`]+)\``, "g"));
  const meant = (word: string) => given[word] ?? expect.fail(`${heading} has ${word} in ${name}, and nobody knows it`);
  return [...settings].map(([, words = ""]) => words.split(",").map(meant).join(","));
}

const commands = { audit, check: runCheck, doctor, plan: runPlan, recover, retire } as const;

/** Runs the line of a runbook that begins so (`lineOf`), in this process's environment. */
export async function runLine(
  heading: string,
  begin: string,
  given: Readonly<Record<string, string>> = {},
  stdin = "",
): Promise<CommandRun> {
  const [program, name = "", ...args] = lineOf(heading, begin, given);
  const command = commands[name as keyof typeof commands];
  if (program !== "eks-access" || !command) throw new Error(`It is not run here: ${heading}, ${begin}`);
  return runCommand(command, args, { stdin });
}
