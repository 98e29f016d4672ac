import type { Entry, Lookup } from "./document.ts";
import { type Problem, problemAt } from "./problem.ts";
import { rivalsOf } from "./read-document.ts";
import { sameList } from "./same-groups.ts";

/** Tells which of the entries that the authenticator keeps another one takes the place of, or may. */
export function* shadowProblems(kept: readonly Entry[], lookup: Lookup): Iterable<Problem> {
  for (const entry of kept) {
    const rivals = rivalsOf(entry, lookup);
    const winner = rivals.at(-1);
    if (winner === undefined || winner === entry) continue;
    yield rivals.includes(entry) ? ambiguous(entry, winner) : shadowed(entry, winner);
  }
}

const ONE_EACH = "Keep one entry for each ARN, with all its groups.";

function shadowed(entry: Entry, winner: Entry): Problem {
  const isSame = entry.username === winner.username && sameList(entry.groups, winner.groups);
  const message = `This entry for ${entry.arn} counts for nothing: the one in ${winner.section}, line ${winner.line}, takes its place, and nothing is merged.`;
  return problemAt(entry.section, place(entry), "entry-shadowed", isSame ? "warning" : "error", message, ONE_EACH);
}

function ambiguous(entry: Entry, other: Entry): Problem {
  const message = `Whether this entry for ${entry.arn} or the one in line ${other.line} counts is a matter of chance: only the case of letters tells them apart.`;
  return problemAt(entry.section, place(entry), "entry-ambiguous", "error", message, ONE_EACH);
}

function place({ line, column }: Entry) {
  return { line: line - 1, column: column - 1 };
}
