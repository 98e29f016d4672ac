import type { SessionPolicy } from "./identities.ts";

/**
 * Reads the parameter Policy of AssumeRole: undefined where there is none, null where STS would call it malformed. Statements
 * that allow, with actions and resources, are all that the sandbox knows of the language.
 */
export function readSessionPolicy(text: string | null): SessionPolicy | undefined | null {
  if (text === null) return undefined;
  try {
    const { Version, Statement } = JSON.parse(text) as { Version?: unknown; Statement?: unknown };
    if (Version !== "2012-10-17" || !Array.isArray(Statement)) return null;
    return Statement.map(readStatement);
  } catch {
    return null;
  }
}

/** What is not understood must not be passed over: a condition would make it allow less. */
function readStatement({
  Effect,
  Action,
  Resource,
  Sid: _,
  ...unknown
}: Record<string, unknown>): SessionPolicy[number] {
  if (Object.keys(unknown).length > 0) throw new Error("not a statement we know");
  const actions = texts(Action);
  const resources = texts(Resource);
  if (Effect !== "Allow" || actions.length === 0 || resources.length === 0) throw new Error("not a statement we know");
  return { actions, resources };
}

function texts(value: unknown): readonly string[] {
  return [value].flat().filter((each) => typeof each === "string");
}
