import type { SectionWriter } from "../access/lease/drift.ts";
import type { AwsAuthDocument, Problem, Severity } from "../aws-auth/index.ts";
import { sizeOf } from "../aws-auth/index.ts";

/** A message has room for these where nothing else is told in it. */
const mostGroups = 11;

const mostWriters = 6;

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

/** What there is to tell of a live document, bounded so that a message can hold it. */
interface CheckSummary extends GroupedProblems {
  readonly entries: number;
  /** Of keys and values, as the API server counts them. */
  readonly bytes: number;
  /** Who else writes to which sections: they may revert what we write. */
  readonly writers: readonly { readonly manager: string; readonly sections: readonly string[] }[];
}

/**
 * Sums up a document that was read, and who wrote it by managedFields.
 *
 * @param ours what is wrong with what we wrote there
 */
export function summarize(
  document: AwsAuthDocument,
  writers: readonly SectionWriter[],
  ours: readonly Told[] = [],
): CheckSummary {
  const { problems, entries, data } = document;
  const told = [...ours, ...problems.map((problem) => ({ ...problem, place: placeOf(problem) }))];
  return {
    ...groupProblems(told, mostGroups),
    entries: entries.length,
    bytes: sizeOf(data),
    writers: writers
      .filter(({ manager, dataKeys }) => manager !== "eks-access" && dataKeys.length > 0)
      .slice(0, mostWriters)
      .map(({ manager, dataKeys }) => ({ manager, sections: dataKeys.slice(0, 3) })),
  };
}

function placeOf({ section, line, key }: Problem): string {
  if (!section) return key ?? "the document";
  return line === null ? section : `${section} line ${line}`;
}
