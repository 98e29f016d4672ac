import type { AwsAuthDocument, Change } from "../aws-auth/index.ts";
import { entryOf, readPrincipal } from "../aws-auth/index.ts";

/** What the command line asks for. What is left out of an addition is taken from the document. */
export type Asked =
  | { type: "add"; arn: string; username?: string; groups?: readonly string[] }
  | { type: "remove"; arn: string };

export type Reading<T> = { type: "read"; value: T } | { type: "wrong"; message: string };

/** What is asked for, from the options in the order of the command line. */
export function readAsked(options: readonly (readonly [name: string, value: string])[]): Reading<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const [name, value] of options) {
    const last = asked.at(-1);
    if (name === "add") asked.push({ type: "add", arn: value });
    else if (name === "remove") asked.push({ type: "remove", arn: value });
    else if (name !== "username" && name !== "groups") continue;
    else if (last?.type !== "add" || last[name] !== undefined)
      return { type: "wrong", message: `--${name} belongs behind the --add that it is for.` };
    else if (name === "username") last.username = value;
    else last.groups = value === "" ? [] : value.split(",");
  }
  return { type: "read", value: asked };
}

/** The changes that are asked for. A new entry needs a name; one that is there may keep its own. */
export function toChanges(document: AwsAuthDocument, asked: readonly Asked[]): Reading<readonly Change[]> {
  const changes: Change[] = [];
  for (const item of asked) {
    const { arn } = item;
    const entry = entryOf(document, arn);
    if (item.type === "remove") {
      changes.push({ type: "unmap", arn });
      continue;
    }
    const username = item.username ?? entry?.username;
    // No username helps an ARN that can't be mapped: the plan refuses it, and says why.
    const isMappable = readPrincipal(arn).type === "principal";
    if (username === undefined && isMappable)
      return { type: "wrong", message: `${arn} has no entry yet: say --username for it.` };
    changes.push({ type: "map", arn, username: username ?? "", groups: item.groups ?? entry?.groups ?? [] });
  }
  return { type: "read", value: changes };
}
