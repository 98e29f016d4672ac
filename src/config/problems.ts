import { YAMLException } from "js-yaml";
import type { z } from "zod";

/** How the types of a YAML file are called in a sentence. */
const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a block of settings",
  record: "a block of settings",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

/** What is wrong with the form of the file: each problem with its path, what is wrong and how to mend it. */
export function problemsOfForm(issues: readonly z.core.$ZodIssue[], file: unknown): readonly string[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [`${pathOf(issue.path)}: ${sentenceOf(issue, file)}.`];
    return issue.keys.map(
      (key) => `${pathOf([...issue.path, key])}: there is no such setting. Check its spelling, or remove it.`,
    );
  });
}

function sentenceOf(issue: z.core.$ZodIssue, file: unknown): string {
  const how = howTo(issue);
  const found = valueAt(file, issue.path);
  if (found === undefined) return `it is missing; ${how}`;
  if (found === null) return `it is empty; ${how}`;
  if (issue.code === "invalid_type") return `it is ${nameOf(found)}; ${how}`;
  return how;
}

/** How to mend it: our own words, or, for what only has a type, its name. */
function howTo(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "invalid_value") return `use ${issue.values.map(String).join(" or ")}`;
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input")) return issue.message;
  return `write ${typeNames[issue.expected] ?? issue.expected}`;
}

function nameOf(value: unknown): string {
  return typeNames[Array.isArray(value) ? "array" : typeof value] ?? "something else";
}

function valueAt(file: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<PropertyKey, unknown>)[part]
        : undefined,
    file,
  );
}

function pathOf(path: readonly PropertyKey[]): string {
  return (
    path.reduce<string>((text, part) => {
      if (typeof part === "number") return `${text}[${part}]`;
      return text ? `${text}.${String(part)}` : String(part);
    }, "") || "eks-access.yml"
  );
}

/** What is wrong with the file as YAML. The lines around the place are not shown: somebody may have put a secret there. */
export function problemOfYaml(error: unknown): string {
  if (!(error instanceof YAMLException)) return "eks-access.yml: it could not be read as YAML. Check its form.";
  const { mark, reason } = error;
  if (reason.includes("the input is empty")) return "eks-access.yml: it is empty. Start from eks-access.example.yml.";
  const where = mark ? ` line ${mark.line + 1}, column ${mark.column + 1}` : "";
  return `eks-access.yml${where}: this is not valid YAML (${reason}). Correct it there.`;
}
