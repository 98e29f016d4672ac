import type { Condition, PolicyStatements } from "./identities.ts";

/**
 * Reads a policy, as of an identity or of a session: null where AWS would call it malformed. Statements with actions, resources
 * and conditions on texts are all that the sandbox knows of the language. What is not understood must not be passed over: a
 * condition would make it allow less.
 */
export function readPolicyDocument(text: string): PolicyStatements | null {
  try {
    const { Version, Statement } = JSON.parse(text) as { Version?: unknown; Statement?: unknown };
    if (Version !== "2012-10-17" || !Array.isArray(Statement)) return null;
    return Statement.map(readStatement);
  } catch {
    return null;
  }
}

function readStatement({
  Effect,
  Action,
  Resource,
  Condition = {},
  Sid: _,
  ...unknown
}: Record<string, unknown>): PolicyStatements[number] {
  const actions = texts(Action);
  const resources = texts(Resource);
  const isKnown = actions.length > 0 && resources.length > 0 && Object.keys(unknown).length === 0;
  if (!isKnown || (Effect !== "Allow" && Effect !== "Deny")) throw new Error("not a statement we know");
  return { effect: Effect, actions, resources, conditions: readConditions(Condition) };
}

const tests = ["StringEquals", "StringLike", "ArnEquals", "ArnLike", "Null"] as const;

function readConditions(condition: unknown): readonly Condition[] {
  if (typeof condition !== "object" || condition === null) throw new Error("not a condition we know");
  return Object.entries(condition).flatMap(([operator, keys]: [string, unknown]) => {
    const [, set, name] = /^(?:(ForAllValues|ForAnyValue):)?(\w+)$/.exec(operator) ?? [];
    const test = tests.find((each) => each === name);
    if (!test || typeof keys !== "object" || keys === null) throw new Error("not a condition we know");
    const every = set === "ForAllValues";
    return Object.entries(keys).map(([key, values]) => ({ test, every, key, values: texts(values) }));
  });
}

function texts(value: unknown): readonly string[] {
  return [value].flat().filter((each) => typeof each === "string");
}
