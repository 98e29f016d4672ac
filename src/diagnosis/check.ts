import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { sizeOf } from "../aws-auth/document-problems.ts";
import type { Problem, Severity } from "../aws-auth/problem.ts";
import type { SectionWriter } from "../grant/drift.ts";

/** Problems of one kind, with the sentence of the first of them. */
export interface ProblemGroup {
  readonly code: string;
  readonly severity: Severity;
  readonly count: number;
  /** Where: `mapRoles line 4`; the first ones. */
  readonly places: readonly string[];
  readonly message: string;
  readonly remedy: string;
}

/** What there is to tell of a live document, bounded so that a message can hold it. */
export interface CheckSummary {
  readonly counts: Readonly<Record<Severity, number>>;
  readonly entries: number;
  /** Of keys and values, as the API server counts them. */
  readonly bytes: number;
  /** Errors first, then as they stand in the document. */
  readonly groups: readonly ProblemGroup[];
  /** Problems of the kinds that are left out of `groups`. */
  readonly left: number;
  /** Who else writes to which sections: they may revert what we write. */
  readonly writers: readonly { readonly manager: string; readonly sections: readonly string[] }[];
}

const mostGroups = 12;
const mostPlaces = 10;
const mostWriters = 6;
const severities: readonly Severity[] = ["error", "warning", "notice"];

/** Sums up a document that was read, and who wrote it by managedFields. */
export function summarize(document: AwsAuthDocument, writers: readonly SectionWriter[]): CheckSummary {
  const { problems, entries, data } = document;
  const count = (severity: Severity) => problems.filter((problem) => problem.severity === severity).length;
  const groups = groupsOf(problems);
  const shown = groups.slice(0, mostGroups);
  return {
    counts: { error: count("error"), warning: count("warning"), notice: count("notice") },
    entries: entries.length,
    bytes: sizeOf(data),
    groups: shown,
    left: groups.slice(mostGroups).reduce((sum, group) => sum + group.count, 0),
    writers: writers
      .filter(({ manager, dataKeys }) => manager !== "eks-access" && dataKeys.length > 0)
      .slice(0, mostWriters)
      .map(({ manager, dataKeys }) => ({ manager, sections: dataKeys.slice(0, 3) })),
  };
}

/** One kind may be an error in one place and a warning in another. */
function groupsOf(problems: readonly Problem[]): readonly ProblemGroup[] {
  const byKind = new Map<string, Problem[]>();
  for (const problem of problems) {
    const kind = `${severities.indexOf(problem.severity)} ${problem.code}`;
    byKind.set(kind, [...(byKind.get(kind) ?? []), problem]);
  }
  return [...byKind.values()]
    .flatMap((all): ProblemGroup[] => {
      const [first] = all;
      if (!first) return [];
      const { code, severity, message, remedy } = first;
      return [{ code, severity, count: all.length, places: all.slice(0, mostPlaces).map(placeOf), message, remedy }];
    })
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

function placeOf({ section, line, key }: Problem): string {
  if (!section) return key ?? "the document";
  return line === null ? section : `${section} line ${line}`;
}
