import { isObject, type JsonObject } from "../json.ts";

/** In Slack's words: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`. `at`: the JSON pointer. */
export type Check = (value: unknown, at: string) => readonly string[];

export function problem(what: string, at: string): string {
  return `${what} [json-pointer:${at}]`;
}

const anything: Check = () => [];

export const flag: Check = (value, at) => (typeof value === "boolean" ? [] : [problem("must provide a boolean", at)]);

export function string({ min = 0, max = Number.POSITIVE_INFINITY } = {}): Check {
  return (value, at) => {
    if (typeof value !== "string") return [problem("must provide a string", at)];
    if (value.length > max) return [problem(`must be less than ${max + 1} characters`, at)];
    if (value.length < min) return [problem(`must be more than ${min - 1} characters`, at)];
    return [];
  };
}

export function whole({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = {}): Check {
  return (value, at) => {
    if (!Number.isInteger(value)) return [problem("must provide an integer", at)];
    if (Number(value) < min) return [problem(`must be greater than ${min - 1}`, at)];
    if (Number(value) > max) return [problem(`must be less than ${max + 1}`, at)];
    return [];
  };
}

export function oneOf(...allowed: readonly string[]): Check {
  return (value, at) => (allowed.some((each) => each === value) ? [] : [problem("must be a valid enum value", at)]);
}

export function list(item: Check, { min = 0, max = Number.POSITIVE_INFINITY } = {}): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return [problem("must provide an array", at)];
    if (value.length > max) return [problem(`no more than ${max} items allowed`, at)];
    if (value.length < min) return [problem(`no less than ${min} items allowed`, at)];
    return value.flatMap((entry, index) => item(entry, `${at}/${index}`));
  };
}

/** An object with only these fields: Slack refuses a payload with one field too many. */
export function object(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
  together: Check = anything,
): Check {
  const known = { ...required, ...optional };
  return (value, at) => {
    if (!isObject(value)) return [problem("must provide an object", at)];
    const problems: string[] = [];
    for (const key of Object.keys(required)) {
      if (value[key] === undefined) problems.push(problem(`missing required field: ${key}`, at));
    }
    for (const [key, field] of Object.entries(value)) {
      if (field === undefined) continue;
      const check = Object.hasOwn(known, key) ? known[key] : undefined;
      if (check) problems.push(...check(field, `${at}/${key}`));
      else problems.push(problem(`invalid additional property: ${key}`, at));
    }
    return [...problems, ...together(value, at)];
  };
}

/** The check of an object depends on its `type`. */
export function byType(checks: Readonly<Record<string, Check>>): Check {
  return (value, at) => {
    if (!isObject(value)) return [problem("must provide an object", at)];
    if (typeof value.type !== "string") return [problem("missing required field: type", at)];
    const check = Object.hasOwn(checks, value.type) ? checks[value.type] : undefined;
    return check ? check(value, at) : [problem(`unsupported type: ${value.type}`, `${at}/type`)];
  };
}

/** If Slack has several schemas for a place, it says so before the problem. */
export function anySchema(check: Check): Check {
  return (value, at) => {
    const problems = check(value, at);
    return problems.length > 0 ? [problem("failed to match all allowed schemas", at), ...problems] : [];
  };
}

export function rule(broken: (value: JsonObject) => boolean, what: string): Check {
  return (value, at) => (isObject(value) && broken(value) ? [problem(what, at)] : []);
}
