import { load, YAMLException } from "js-yaml";
import { z } from "zod";
import { parseDuration } from "../access/ask/duration.ts";
import { isPermanent } from "../access/lease/lease-record.ts";
import type { RoleStep } from "../access/policy/creator.ts";

/** The problem of a setting that has another value, or none. */
export function use(setting: string, what: string): string {
  return `${setting}: use ${what}.`;
}

/** The problem of a name that the file does not define. */
export function unknown(
  kind: "cluster" | "level" | "template",
  name: string,
  path: string,
  known: readonly string[],
): string {
  const others = known.length > 0 ? `, or use one of ${known.join(", ")}` : "";
  return `${path}: there is no ${kind} ${name}. Define it under ${kind}s${others}.`;
}

/** A text of one form. The message says how to write it, also for a wrong type and a missing value. */
export function textLike(form: RegExp, message: string) {
  return z.string(message).regex(form, message);
}

/** An address of one form that can be called: not one like `https://10.0.0.1:99999`. */
export function addressLike(form: RegExp, message: string) {
  return textLike(form, message).refine((address) => URL.canParse(address), message);
}

export const account = textLike(/^\d{12}$/, 'write the 12 digits in quotes, for example "111122223333"');

export const region = textLike(/^[a-z]{2,4}(-[a-z]+)+-\d$/, "use a region's name, for example eu-central-1");

export const roleArn = textLike(
  /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  "use a role's ARN, for example arn:aws:iam::111122223333:role/cluster-creator",
);

/** The external id of a role's trust policy (API reference of STS AssumeRole). */
export const externalId = textLike(/^[\w+=,.@:/-]{2,1224}$/, "use 2 to 1224 letters, digits and _+=,.@:/-");

export const slackChannel = textLike(
  /^[CG][A-Z0-9]{2,}$/,
  "use a Slack channel id, for example C012ABCDEF (not a name)",
);

/** One person: a group would not identify anyone. */
export const slackUser = textLike(/^[UW][A-Z0-9]{2,}$/, "use a Slack user id, for example U012ABCDEF (not a name)");

/** A person or a user group that can decide and revoke. */
export const userOrGroup = textLike(
  /^[UWS][A-Z0-9]{2,}$/,
  "use the id of a Slack user or user group, for example U012ABCDEF or S012ABCDEF (not a name)",
);

const labelForm = "write a text of at most 256 characters, in quotes if it is a number or a word such as true or no";
const labelValue = z.string(labelForm).max(256, labelForm);
const labelName = z.string().min(1).max(128);

/** Labels of a cluster, as the tags of EKS: up to 128 and 256 characters. */
export const labels = z.record(labelName, labelValue);

/** What a selector wants of each label: a value, or one of a list. */
export const wantedLabels = z
  .record(labelName, z.union([labelValue.transform((value) => [value]), z.array(labelValue).min(1)], labelForm))
  .refine((wanted) => Object.keys(wanted).length > 0, "name at least one label");

/** A short time as `200ms`, `3s` or `2m`, read as milliseconds. A timer of more than 24 days would end at once. */
const shortTimeForm = "write a time with its unit, for example 200ms, 3s or 2m";
export const shortDuration = textLike(/^[1-9]\d{0,5}(ms|s|m)$/, shortTimeForm)
  .transform((value) => Number.parseInt(value, 10) * ({ ms: 1, s: 1_000, m: 60_000 }[value.replace(/^\d+/, "")] ?? 1))
  .refine((ms) => ms <= 86_400_000, "use at most 1440m");

const durationForm = "write a duration with its unit, for example 30m, 4h or 1h30m";
export const duration = z.string(durationForm).transform((value, context) => {
  const seconds = parseDuration(value);
  // The rules of the policy decide about permanent leases.
  if (seconds !== null && !isPermanent(seconds)) return seconds;
  context.addIssue({ code: "custom", message: durationForm });
  return z.NEVER;
});

/** Checks a block or a list also if something in it has a wrong form. Then its settings can have any form. */
export const alsoInBroken = {
  when: ({ value }: z.core.ParsePayload) => typeof value === "object" && value !== null,
};

/** The same for a list alone: a person can write a block in its place. */
export const alsoInBrokenList = { when: ({ value }: z.core.ParsePayload) => Array.isArray(value) };

/** Reads a value by the form that it resembles, and names the mistakes of that form alone. */
export function resembling<T>(formOf: (value: unknown) => z.ZodType<T>) {
  return z.unknown().transform((value, context): T => {
    const read = formOf(value).safeParse(value);
    if (read.success) return read.data;
    context.issues.push(
      ...read.error.issues.map((issue) => ({ ...issue, path: [...issue.path] }) as z.core.$ZodRawIssue),
    );
    return z.NEVER;
  });
}

const stepByName = roleArn.transform((arn) => ({ roleArn: arn }));

const stepInFull = z.strictObject(
  { roleArn, externalId: externalId.optional() },
  "write a role's ARN, or roleArn and externalId",
);

/** A role on the way: its ARN alone, or with its external id. */
export const roleStep = resembling<RoleStep>((value) => (typeof value === "string" ? stepByName : stepInFull));

/** The form that nothing has: the message for a value that resembles none of the forms. */
export function noForm(message: string) {
  return z.custom<never>(() => false, message);
}

const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a block of settings",
  record: "a block of settings",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** The mistakes in the file's form, each once with its path and its fix. @param sourceOf the path where a setting was written */
export function problemsOfForm(
  issues: readonly z.core.$ZodIssue[],
  file: unknown,
  sourceOf: (path: readonly PropertyKey[]) => readonly PropertyKey[] = (path) => path,
): readonly string[] {
  const problems = issues.flatMap((issue) => {
    const path = sourceOf(issue.path);
    if (issue.code !== "unrecognized_keys") return [`${pathOf(path)}: ${sentenceOf(issue, valueAt(file, path))}.`];
    return issue.keys.map((key) => {
      return `${pathOf(sourceOf([...issue.path, key]))}: no such setting. Correct or remove it.`;
    });
  });
  return [...new Set(problems)];
}

function sentenceOf(issue: z.core.$ZodIssue, found: unknown): string {
  const how = howTo(issue);
  if (found === undefined) return `it is missing; ${how}`;
  if (found === null) return `it is empty; ${how}`;
  if (issue.code === "invalid_type") return `it is ${nameOf(found)}; ${how}`;
  return how;
}

/** The fix: our own words, or the name of the expected type. */
function howTo(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0] ? howTo(issue.issues[0]) : issue.message;
  if (issue.code === "too_small" && issue.message.startsWith("Too"))
    return `use at least ${issue.minimum}${unitOf(issue)}`;
  if (issue.code === "too_big" && issue.message.startsWith("Too"))
    return `use at most ${issue.maximum}${unitOf(issue)}`;
  if (issue.code === "invalid_value") return `use ${issue.values.map(String).join(" or ")}`;
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input")) return issue.message;
  return `write ${typeNames[issue.expected] ?? issue.expected}`;
}

function unitOf({ origin }: { readonly origin: string }): string {
  return origin === "string" ? " characters" : "";
}

function nameOf(value: unknown): string {
  return typeNames[Array.isArray(value) ? "array" : typeof value] ?? "something else";
}

export function valueAt(file: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<PropertyKey, unknown>)[part]
        : undefined,
    file,
  );
}

export function pathOf(path: readonly PropertyKey[]): string {
  return (
    path.reduce<string>((text, part) => {
      if (typeof part === "number") return `${text}[${part}]`;
      return text ? `${text}.${String(part)}` : String(part);
    }, "") || "eks-access.yml"
  );
}

/** Names that YAML reads as numbers, such as 0x10 as 16, and one that JavaScript drops. @param written with texts alone */
export function misreadNames(value: unknown, written: unknown): readonly string[] {
  const blocks = [{ path: [] as string[], value, written }];
  const seen = new Set<unknown>();
  const problems: string[] = [];
  for (const { path, value, written } of blocks) {
    // An alias is read once: a file can be a bomb of them.
    if (!isBlock(value) || !isBlock(written) || seen.has(written)) continue;
    seen.add(written);
    for (const [name, each] of Object.entries(written)) {
      const place = [...path, name];
      if (name === "__proto__") problems.push(use(pathOf(place), "another name"));
      else if (Object.hasOwn(value, name)) blocks.push({ path: place, value: value[name], written: each });
      else problems.push(use(pathOf(place), "quotes around this name"));
    }
  }
  return problems;
}

const isBlock = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The mistake in the file's YAML. It does not quote the lines around it: they may hold a secret. */
export function problemOfYaml(error: unknown): string {
  if (!(error instanceof YAMLException)) return "eks-access.yml: it is not YAML. Check its syntax.";
  const { mark, reason } = error;
  if (reason.includes("the input is empty")) return "eks-access.yml: it is empty. Start from eks-access.example.yml.";
  const where = mark ? ` line ${mark.line + 1}, column ${mark.column + 1}` : "";
  return `eks-access.yml${where}: invalid YAML: ${reason}.`;
}

/** Reads a YAML file that is not eks-access.yml; a text: its mistakes. */
export function readYaml<T extends object>(text: string, form: z.ZodType<T>): T | string {
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    return withoutName(problemOfYaml(error));
  }
  const read = form.safeParse(value);
  return read.success ? read.data : problemsOfForm(read.error.issues, value).map(withoutName).join(" ");
}

export const withoutName = (problem: string) => problem.replace(/^eks-access\.yml:? ?/, "");
