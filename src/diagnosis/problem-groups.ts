import type { Severity } from "../aws-auth/index.ts";

/** Something to tell of what stands in a cluster. Values to read or to copy stand between backticks. */
export interface Told {
  readonly code: string;
  readonly severity: Severity;
  /** Where: `mapRoles line 4`, or the ARN of a principal. */
  readonly place: string;
  readonly message: string;
  readonly remedy: string;
}

/** Problems of one kind, with the sentence of the first of them. */
export interface ProblemGroup extends Omit<Told, "place"> {
  readonly count: number;
  /** The first ones. */
  readonly places: readonly string[];
}

/** Problems summed up, bounded so that a message can hold them. */
export interface GroupedProblems {
  readonly counts: Readonly<Record<Severity, number>>;
  /** Errors first, then as they stand in the cluster. */
  readonly groups: readonly ProblemGroup[];
  /** Problems of the kinds that are left out of `groups`. */
  readonly left: number;
}

const mostPlaces = 10;
const severities: readonly Severity[] = ["error", "warning", "notice"];

/** Groups problems by their kind. @param most kinds that are told */
export function groupProblems(problems: readonly Told[], most: number): GroupedProblems {
  const count = (severity: Severity) => problems.filter((problem) => problem.severity === severity).length;
  const counts = { error: count("error"), warning: count("warning"), notice: count("notice") };
  return fewerKinds({ counts, groups: groupsOf(problems), left: 0 }, most);
}

/** The same with fewer kinds; those that are left out are counted. */
export function fewerKinds({ counts, groups, left }: GroupedProblems, most: number): GroupedProblems {
  const leftOut = groups.slice(most).reduce((sum, group) => sum + group.count, left);
  return { counts, groups: groups.slice(0, most), left: leftOut };
}

/** One kind may be an error in one place and a warning in another. */
function groupsOf(problems: readonly Told[]): readonly ProblemGroup[] {
  const byKind = new Map<string, Told[]>();
  for (const problem of problems) {
    const kind = `${severities.indexOf(problem.severity)} ${problem.code}`;
    const same = byKind.get(kind);
    if (same) same.push(problem);
    else byKind.set(kind, [problem]);
  }
  return [...byKind.values()]
    .flatMap((all): ProblemGroup[] => {
      const [first] = all;
      if (!first) return [];
      const { code, severity, message, remedy } = first;
      const places = all.slice(0, mostPlaces).map(({ place }) => place);
      return [{ code, severity, count: all.length, places, message, remedy }];
    })
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}
