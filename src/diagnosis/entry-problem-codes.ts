import type { Told } from "./problem-groups.ts";

/** What `check` tells of access entries; docs/diagnosis.md has each with its remedy. */
export const entryProblemCodes = [
  "tags-untrusted",
  "lease-overdue",
  "lease-taken-out",
  "entry-hides-nodes",
  "entry-hides-item",
  "entry-without-rights",
  "group-unbound",
  "claim-unknown",
  "cluster-admin",
] as const;

/** A problem of an access entry; its place is the principal's ARN. */
export interface EntryProblem extends Told {
  readonly code: (typeof entryProblemCodes)[number];
}
