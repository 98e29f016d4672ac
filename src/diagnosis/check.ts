import type { SectionWriter } from "../access/lease/drift.ts";
import type { AwsAuthDocument, Problem } from "../aws-auth/index.ts";
import { sizeOf } from "../aws-auth/index.ts";
import { type GroupedProblems, groupProblems, type Told } from "./problem-groups.ts";

/** What there is to tell of a live document, bounded so that a message can hold it. */
export interface CheckSummary extends GroupedProblems {
  readonly entries: number;
  /** Of keys and values, as the API server counts them. */
  readonly bytes: number;
  /** Who else writes to which sections: they may revert what we write. */
  readonly writers: readonly { readonly manager: string; readonly sections: readonly string[] }[];
}

/** A message has room for these where nothing else is told in it. */
const mostGroups = 11;
const mostWriters = 6;

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
