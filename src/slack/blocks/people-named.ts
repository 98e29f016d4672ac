import { isUser } from "../../access/policy/person.ts";
import type { Directory } from "../people/directory.ts";

/** Whom user ids and user groups name, each once; without an answer of Slack nobody of a user group. */
export async function peopleNamed(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const people = names.map((name) => (isUser(name) ? [name] : directory.membersOf(name).catch(() => [])));
  return [...new Set((await Promise.all(people)).flat())];
}
