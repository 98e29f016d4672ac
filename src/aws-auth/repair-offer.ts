import { unifiedDiff } from "./diff.ts";
import type { Entry, ReadDocument } from "./document.ts";
import { DOCUMENT_LIMIT, sizeOf } from "./document-problems.ts";
import type { PlannedText } from "./plan.ts";
import type { Section } from "./problem.ts";
import { readDocument } from "./read-document.ts";
import { resolve } from "./resolve.ts";
import { changedArns } from "./verify.ts";

/** A way to mend one thing that was wrong before. It is an offer: nothing is repaired unless somebody approves it. */
export interface Repair {
  /** The problem that it mends. */
  code: string;
  section: Section;
  /** Where the problem is, counted from 1 within the section's text. */
  line: number;
  /** What it does, as one sentence. */
  message: string;
  /**
   * The change, in the form of a plan, but not judged by `planChanges`: no guard has looked at it. Its differences are of
   * ARNs in lower case.
   */
  plan: PlannedText;
}

/** An edit that may mend an entry: whether it does is known when its text is read. */
export interface Draft {
  readonly entry: Entry;
  /** The text of the entry's section after it. */
  readonly text: string;
  readonly code: string;
  readonly message: string;
}

/** An edit is offered only where it leaves each other entry as it was. */
export function offerEdit(document: ReadDocument, { entry, text, code, message }: Draft): Repair | null {
  const { section, line } = entry;
  const after = readDocument({ ...document.data, [section]: text }).document;
  if (after.sections[section].state === "unreadable" || !staysAround(entry, document, after)) return null;
  return offer(document, after, { code, section, line, message });
}

/** Whether all entries but one are what they were, and that one is changed or gone. */
function staysAround(entry: Entry, before: ReadDocument, after: ReadDocument): boolean {
  const at = before.entries.indexOf(entry);
  const gone = before.entries.length - after.entries.length;
  if (gone !== 0 && gone !== 1) return false;
  return before.entries.every((other, index) => {
    const same = after.entries[index > at ? index - gone : index];
    return index === at || (same !== undefined && saying(other) === saying(same));
  });
}

function saying({ section, arn, username, groups }: Entry): string {
  return JSON.stringify([section, arn, username, groups]);
}

type About = Pick<Repair, "code" | "section" | "line" | "message">;

export function offer(before: ReadDocument, after: ReadDocument, about: About): Repair {
  const { section } = about;
  const changed = changedArns(before.lookup, after.lookup);
  const plan: PlannedText = {
    type: "planned",
    before: before.data,
    after: after.data,
    diff: unifiedDiff(section, before.sections[section].text, after.sections[section].text),
    differences: changed.map((arn) => ({ arn, before: resolve(before, arn), after: resolve(after, arn) })),
    refused: [],
    bytesLeft: DOCUMENT_LIMIT - sizeOf(after.data),
  };
  return { ...about, plan };
}
