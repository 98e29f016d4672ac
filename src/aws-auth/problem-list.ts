import type { Problem, Severity } from "./problem.ts";

/** How many problems of one kind are listed for a section. Nobody reads more, and each costs memory. */
const LISTED = 1000;

const RANKS: readonly Severity[] = ["notice", "warning", "error"];

/** What is said of the problems of one kind that are not listed. */
interface Rest {
  first: Problem;
  count: number;
  severity: Severity;
}

/** Collects problems. Of very many of one kind it keeps the first ones, and one problem that counts the rest. */
export class ProblemList {
  readonly #listed: Problem[] = [];
  readonly #counts = new Map<string, number>();
  readonly #rests = new Map<string, Rest>();

  add(found: Iterable<Problem>): void {
    for (const problem of found) {
      const kind = `${problem.section} ${problem.code}`;
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      if (count <= LISTED) this.#listed.push(problem);
      else this.#count(kind, problem);
    }
  }

  all(): Problem[] {
    return [...this.#listed, ...[...this.#rests.values()].map(asProblem)];
  }

  #count(kind: string, problem: Problem): void {
    const rest = this.#rests.get(kind) ?? { first: problem, count: 0, severity: problem.severity };
    rest.count += 1;
    if (RANKS.indexOf(problem.severity) > RANKS.indexOf(rest.severity)) rest.severity = problem.severity;
    this.#rests.set(kind, rest);
  }
}

/** It stands where the first one does that is not listed. */
function asProblem({ first, count, severity }: Rest): Problem {
  const others = count === 1 ? "" : ` ${(count - 1).toLocaleString("en")} more like it follow, and are not listed.`;
  return { ...first, severity, message: `${first.message}${others}` };
}
