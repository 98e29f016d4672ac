import { z } from "zod";
import { groupsBy, sizeOf } from "../access/collections.ts";
import type { SectionWriter } from "../access/lease/drift.ts";
import { type Immutable, itemsForm, textForm, textsForm } from "../access/lease/lease-record.ts";
import type { AwsAuthDocument, Problem, Severity } from "../aws-auth/index.ts";
import { counted } from "./link.ts";

const maxGroups = 11;

const maxWriters = 6;

export interface ReportedProblem extends Readonly<Pick<Problem, "code" | "severity" | "message" | "remedy">> {
  /** `mapRoles line 4`, or the ARN of a principal. */
  readonly place: string;
}

export type ProblemGroup = GroupedProblems["groups"][number];

/** A summary of problems, bounded so that a message can hold it. */
export type GroupedProblems = Immutable<z.output<typeof problemsForm>>;
const severity = z.enum(["error", "warning", "notice"]);
const groupForm = z.object({
  code: textForm,
  severity,
  count: z.number(),
  places: textsForm,
  message: textForm,
  remedy: textForm,
});
export const problemsForm = z.object({
  counts: z.record(severity, z.number()),
  /** Errors first, then in the cluster's order. */
  groups: itemsForm(groupForm),
  left: z.number(),
});

const maxPlaces = 10;
const severities: readonly Severity[] = ["error", "warning", "notice"];

/** Groups problems by kind. @param most kinds in the result */
export function groupProblems(problems: readonly ReportedProblem[], most: number): GroupedProblems {
  return fewerKinds({ counts: countsOf(problems), groups: groupsOf(problems), left: 0 }, most);
}

export function countsOf(problems: readonly Pick<Problem, "severity">[]): GroupedProblems["counts"] {
  const count = (severity: Severity) => problems.filter((problem) => problem.severity === severity).length;
  return { error: count("error"), warning: count("warning"), notice: count("notice") };
}

/** `1 error, 2 warnings`; empty: there are no problems. */
export function countWords(counts: GroupedProblems["counts"]): string {
  return severities
    .flatMap((severity) => (counts[severity] > 0 ? [counted(counts[severity], severity)] : []))
    .join(", ");
}

export function fewerKinds({ counts, groups, left }: GroupedProblems, most: number): GroupedProblems {
  const leftOut = groups.slice(most).reduce((sum, group) => sum + group.count, left);
  return { counts, groups: groups.slice(0, most), left: leftOut };
}

function groupsOf(problems: readonly ReportedProblem[]): readonly ProblemGroup[] {
  const byKind = groupsBy(problems, ({ severity, code }) => `${severity} ${code}`);
  return [...byKind.values()]
    .map((all): ProblemGroup => {
      const [{ code, severity, message, remedy }] = all;
      const places = all.slice(0, maxPlaces).map(({ place }) => place);
      return { code, severity, count: all.length, places, message, remedy };
    })
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** The report on a live document, bounded so that a message can hold it. */
type CheckSummary = Immutable<z.output<typeof documentSummaryForm>>;
export const documentSummaryForm = problemsForm.extend({
  entries: z.number(),
  /** Of its values, as the API server counts them. */
  bytes: z.number(),
  /** Other writers and their sections: they may revert our writes. */
  writers: itemsForm(z.object({ manager: textForm, sections: textsForm })),
});

/** Sums up a document and, by managedFields, its writers. @param ours problems of our own writes there */
export function summarize(
  document: AwsAuthDocument,
  writers: readonly SectionWriter[],
  ours: readonly ReportedProblem[] = [],
): CheckSummary {
  const { problems, entries, data } = document;
  const all = [...ours, ...problems.map((problem) => ({ ...problem, place: placeOf(problem) }))];
  return {
    ...groupProblems(all, maxGroups),
    entries: entries.length,
    bytes: sizeOf(data),
    writers: writers
      .filter(({ manager, dataKeys }) => manager !== "eks-access" && dataKeys.length > 0)
      .slice(0, maxWriters)
      .map(({ manager, dataKeys }) => ({ manager, sections: dataKeys.slice(0, 3) })),
  };
}

function placeOf({ section, line, key }: Problem): string {
  if (!section) return key ?? "the document";
  return line === null ? section : `${section} line ${line}`;
}
