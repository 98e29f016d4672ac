/** Why kubectl says `Unauthorized` or `Forbidden`; docs/diagnosis.md has each with its remedy. */
export const causeCodes = [
  "not-a-principal",
  "creator",
  "wrong-partition",
  "mode-api",
  "access-entry-wins",
  "document-absent",
  "section-broken",
  "section-misspelt",
  "content-dropped",
  "entry-never-matches",
  "user-path",
  "wrong-account",
  "near-miss",
  "template-shuts-out",
  "ambiguous",
  "shadowed",
  "without-groups",
  "group-unbound",
  "not-allowed",
  "drifted",
  "not-yet",
  "lease-ended",
  "request-closed",
  "lease-ends-soon",
  "not-mapped",
  "own-side",
] as const;
export type CauseCode = (typeof causeCodes)[number];

/** What a button under the cause does, with the id of the request that it is about. */
export interface CauseButton {
  readonly type: "ask-again" | "extend";
  readonly request: string;
}

/** Values to read or to copy stand between backticks, times as ISO 8601. */
export interface Cause {
  readonly code: CauseCode;
  /** What is the matter, and where: sentences. */
  readonly message: string;
  /** What to do about it: sentences. */
  readonly remedy: string;
  readonly offer: CauseButton | null;
}

export function cause(code: CauseCode, message: string, remedy: string, offer: CauseButton | null = null): Cause {
  return { code, message, remedy, offer };
}
