import type { Entry } from "./document.ts";
import { isAscii } from "./go-yaml/fold.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import { isMatchable } from "./matchable.ts";
import { readPrincipal } from "./principal/arn.ts";
import { type Problem, problemAt } from "./problem.ts";
import { isWildcard } from "./wildcards.ts";

const WILDCARD =
  "This entry matches nobody where the authenticator takes its wildcard for a letter, and everybody whom it fits where it is one of the newest releases.";

/** What there is to tell about the ARN of an entry. The authenticator itself never looks at its syntax. */
export function arnProblems(entry: Entry, node: YamlNode): Problem[] {
  const { section, arn } = entry;
  const reading = readPrincipal(arn);
  if (reading.type === "principal") {
    const { kind } = reading.principal;
    if ((kind === "role") === (section === "mapRoles")) return [];
    const message = `This is the ARN of a ${kind}, and it stands in ${section}. The authenticator finds it there too, but people will not.`;
    const remedy = `Move the entry to ${kind === "role" ? "mapRoles" : "mapUsers"}.`;
    return [problemAt(section, node.start, "arn-in-other-section", "notice", message, remedy)];
  }
  const remedy =
    reading.suggestion === undefined ? "Correct the ARN, or remove the entry." : `Write ${reading.suggestion}.`;
  if (!isMatchable(arn)) {
    const message = `${isWildcard(entry) ? WILDCARD : "This entry matches nobody."} ${reading.message}`;
    return [problemAt(section, node.start, reading.code, "error", message, remedy)];
  }
  if (reading.code === "arn-root") {
    const message = "This entry lets the root user of an account sign in.";
    return [problemAt(section, node.start, reading.code, "warning", message, "Map a role instead.")];
  }
  if (isAscii(arn)) return [];
  const message =
    "This ARN holds a letter that is not what it looks like; the authenticator, or some of its releases, matches it all the same.";
  return [problemAt(section, node.start, "arn-confusable", "warning", message, "Type the ARN anew.")];
}
