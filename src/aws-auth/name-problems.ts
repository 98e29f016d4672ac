import type { DecodedEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import { lastUse } from "./field.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import { isNode, MASTERS } from "./names.ts";
import { type Problem, problemAt } from "./problem.ts";
import { flawOf, hasGuardedSession, unknownTemplate } from "./refuse-text.ts";
import { TEMPLATES } from "./templates.ts";

/** What there is to tell about the username and the groups of an entry. */
export function nameProblems(entry: Entry, item: YamlNode, { uses }: DecodedEntry): Problem[] {
  if (entry.arn === "") return [];
  const username = lastUse(uses, "username");
  const groups = lastUse(uses, "groups");
  const at = username?.value.node ?? item;
  const problems = entry.username === "" ? emptyUsername(entry, at, username?.value.type) : usernameProblems(entry, at);
  for (const [index, group] of entry.groups.entries()) {
    const node = groups?.value.type === "list" ? groups.value.items[index]?.node : undefined;
    problems.push(...groupProblems(entry, group, node ?? item));
  }
  return problems;
}

/** A username of a wrong type has been told already. */
function emptyUsername({ section }: Entry, at: YamlNode, type: string | undefined): Problem[] {
  if (type !== undefined && type !== "null" && type !== "string") return [];
  const message =
    "This entry has no username: whoever signs in by it has an empty name, and audit logs can't tell who it was.";
  return [problemAt(section, at.start, "username-empty", "error", message, "Write a username.")];
}

function usernameProblems({ section, username }: Entry, at: YamlNode): Problem[] {
  const warn = (code: string, message: string, remedy: string) =>
    problemAt(section, at.start, code, "warning", message, remedy);
  const problems: Problem[] = [];
  const flaw = flawOf(username);
  if (flaw !== null) problems.push(warn("username-characters", `The username ${flaw}.`, "Correct the username."));
  const unknown = unknownTemplate(username);
  if (unknown !== null)
    problems.push(
      warn("template-unknown", `The authenticator leaves ${unknown} as it is.`, `Use one of ${TEMPLATES.join(", ")}.`),
    );
  if (username.includes("{{EC2PrivateDNSName}}") && !isNode({ username }))
    problems.push(
      warn(
        "template-node",
        "{{EC2PrivateDNSName}} shuts out everybody but EC2 instances.",
        "Use {{SessionName}} behind a prefix that ends in a colon.",
      ),
    );
  if (!hasGuardedSession(username)) {
    const message =
      "Whoever may assume this role can choose any username, for the session name has no fixed prefix before it.";
    problems.push(
      warn("template-session", message, "Put a prefix that ends in a colon before it, such as admin:{{SessionName}}."),
    );
  }
  return problems;
}

function groupProblems({ section, arn }: Entry, group: string, at: YamlNode): Problem[] {
  const flaw = flawOf(group);
  const problems: Problem[] = [];
  if (flaw !== null)
    problems.push(
      problemAt(section, at.start, "group-characters", "warning", `The group ${flaw}.`, "Correct the group."),
    );
  if (group.includes("{{")) {
    const message = "This group holds a template: whoever names the session chooses the group.";
    problems.push(problemAt(section, at.start, "template-in-group", "warning", message, "Write the group out."));
  }
  if (group === MASTERS) {
    const message = `${arn} is in ${MASTERS}: it may do everything, and no RBAC rule can take that away.`;
    const remedy = "Bind a group to cluster-admin instead, where that is enough.";
    problems.push(problemAt(section, at.start, "masters", "notice", message, remedy));
  }
  return problems;
}
