import { accountProblems } from "./account-problems.ts";
import type { AwsAuthDocument } from "./document.ts";
import { documentProblems } from "./document-problems.ts";
import { itemProblems } from "./entry-problems.ts";
import { type Problem, SECTIONS } from "./problem.ts";
import { ProblemList } from "./problem-list.ts";
import { type DocumentReading, readDocument } from "./read-document.ts";
import { layoutProblems, oldBreaks } from "./section-problems.ts";
import { shadowProblems } from "./shadow-problems.ts";

/**
 * Reads the data of aws-auth as the authenticator does, and tells what is wrong with it. Never throws: a section that
 * can't be read is told as a problem and maps nobody. Lines and columns count from 1 within the section's own text.
 */
export function parseDocument(data: Readonly<Record<string, string>>): AwsAuthDocument {
  const reading = readDocument(data);
  return { ...reading.document, problems: inOrder(problemsOf(reading)) };
}

function problemsOf({ document, parts }: DocumentReading): Problem[] {
  const problems = new ProblemList();
  problems.add(documentProblems(document.data));
  for (const part of parts) {
    problems.add(part.problems);
    problems.add(oldBreaks(part.reading));
    problems.add(layoutProblems(part.reading));
    problems.add(accountProblems(part));
    problems.add(shadowProblems(part.kept, document.lookup));
    for (const item of part.items) problems.add(itemProblems(part.reading, item));
  }
  return problems.all();
}

/** As people read the document: what concerns all of it first, then by section and place. */
function inOrder(problems: Problem[]): Problem[] {
  const rank = ({ section }: Problem) => (section === null ? -1 : SECTIONS.indexOf(section));
  const place = (some: number | null, other: number | null) => (some ?? 0) - (other ?? 0);
  return problems.sort(
    (a, b) => rank(a) - rank(b) || place(a.line, b.line) || place(a.column, b.column) || (a.code < b.code ? -1 : 1),
  );
}
