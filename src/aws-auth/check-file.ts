import type { ConfigMapFile } from "./config-map-file.ts";
import { locator } from "./locate.ts";
import { parseDocument } from "./parse.ts";
import { type Problem, SECTIONS, type Section } from "./problem.ts";
import { type Identity, resolve } from "./resolve.ts";

/** A problem with its place in the file, where the section alone has none. */
export interface FileProblem extends Omit<Problem, "key"> {
  line: number;
  column: number;
}

export interface EntryReport {
  section: Section;
  arn: string;
  username: string;
  groups: readonly string[];
  /** In the file, from 1. */
  line: number;
  reachable: boolean;
}

export interface FileReport {
  /** There is no error and no warning. */
  ok: boolean;
  problems: readonly FileProblem[];
  entries: readonly EntryReport[];
  /** Who each caller that was asked for would be; null for nobody. */
  resolved: Readonly<Record<string, Identity | null>>;
}

/** Checks a file that holds aws-auth, and says who some callers would be. */
export function checkFile(file: ConfigMapFile, arns: readonly string[]): FileReport {
  const document = parseDocument(file.data);
  const locate = locator(file);
  const found = document.problems.map(({ key, code, severity, section, line, column, message, remedy }) => {
    return { code, severity, section, ...locate(section ?? key ?? "", line, column), message, remedy };
  });
  const problems = [...notTextProblems(file), ...found].sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    ok: problems.every((problem) => problem.severity === "notice"),
    problems,
    entries: document.entries.map(({ section, arn, username, groups, line, column, reachable }) => {
      return { section, arn, username, groups, line: locate(section, line, column).line, reachable };
    }),
    resolved: Object.fromEntries(arns.map((arn) => [arn, resolve(document, arn)])),
  };
}

function notTextProblems({ notText }: ConfigMapFile): FileProblem[] {
  return notText.map(({ key, line, column }) => {
    const section = SECTIONS.find((name) => name === key) ?? null;
    const message = `The value of ${key} is not text, and the API server takes nothing else in a ConfigMap.`;
    const remedy = `Write ${key}: | and leave the lines below it as they are.`;
    return { code: "section-not-text", severity: "error", section, line, column, message, remedy };
  });
}
