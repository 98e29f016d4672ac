export type Section = "mapRoles" | "mapUsers" | "mapAccounts";

/** The sections, in the order in which the authenticator asks them. */
export const SECTIONS: readonly Section[] = ["mapRoles", "mapUsers", "mapAccounts"];

/** An error: somebody gets less or more than what is written. A warning: it works, and may not for long. A notice: good to know. */
export type Severity = "error" | "warning" | "notice";

/** Something to tell about a document. */
export interface Problem {
  code: string;
  severity: Severity;
  /** Null where the document as a whole is meant. */
  section: Section | null;
  /** The key of the data that is meant, where that is none of the sections. */
  key?: string;
  /** Counted from 1 within the section's text; null where there is no such place. */
  line: number | null;
  /** Counted from 1, in UTF-16 units. */
  column: number | null;
  /** What is wrong, and what comes of it. */
  message: string;
  /** How to mend it. */
  remedy: string;
}

/** A problem at a place in a section's text; `at` counts lines and columns from 0. */
export function problemAt(
  section: Section,
  at: { readonly line: number; readonly column: number },
  code: string,
  severity: Severity,
  message: string,
  remedy: string,
): Problem {
  return { code, severity, section, line: at.line + 1, column: at.column + 1, message, remedy };
}
