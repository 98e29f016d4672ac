import type { Entry, Lookup } from "./document.ts";
import { goFold } from "./go-yaml/fold.ts";
import { type Problem, problemAt } from "./problem.ts";

/** Tells which entries another one takes the place of, and marks them as out of reach. */
export function shadowProblems(kept: readonly Entry[], lookup: Lookup): Problem[] {
  const problems: Problem[] = [];
  for (const entry of kept) {
    if (entry.section === "mapAccounts") continue;
    const problem = shadowProblem(entry, lookup);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

function shadowProblem(entry: Entry, lookup: Lookup): Problem | null {
  const key = goFold(entry.arn);
  const roles = lookup.roles.get(key) ?? [];
  const rivals = entry.section === "mapRoles" || roles.length > 0 ? roles : (lookup.users.get(key) ?? []);
  if (rivals.length > 1 && rivals.includes(entry))
    return rivals.at(-1) === entry ? null : ambiguous(entry, rivals.at(-1));
  const winner = rivals.at(-1);
  if (winner === undefined || winner === entry) return null;
  entry.reachable = false;
  return shadowed(entry, winner);
}

const ONE_EACH = "Keep one entry for each ARN, with all its groups.";

function shadowed(entry: Entry, winner: Entry): Problem {
  const isSame = entry.username === winner.username && entry.groups.join("\n") === winner.groups.join("\n");
  const message = `This entry for ${entry.arn} counts for nothing: the one in ${winner.section}, line ${winner.line}, takes its place, and nothing is merged.`;
  return problemAt(entry.section, place(entry), "entry-shadowed", isSame ? "warning" : "error", message, ONE_EACH);
}

function ambiguous(entry: Entry, other: Entry | undefined): Problem {
  const message = `Whether this entry for ${entry.arn} or the one in line ${other?.line} counts is a matter of chance: only the case of letters tells them apart.`;
  return problemAt(entry.section, place(entry), "entry-ambiguous", "error", message, ONE_EACH);
}

function place({ line, column }: Entry) {
  return { line: line - 1, column: column - 1 };
}
