import { blocks, firstBreak } from "./beside-broken.ts";
import { cannotEdit } from "./cannot-edit.ts";
import type { Change, PlanGuard, Refusal } from "./change.ts";
import { refuseChange } from "./check-change.ts";
import { unifiedDiff } from "./diff.ts";
import type { AwsAuthDocument, ReadDocument } from "./document.ts";
import { DOCUMENT_LIMIT, sizeOf } from "./document-problems.ts";
import { editSections } from "./edit-sections.ts";
import { type Intent, intend } from "./intent.ts";
import { type Problem, SECTIONS, type Section } from "./problem.ts";
import { refuseResult } from "./refuse-result.ts";
import { type Identity, resolve } from "./resolve.ts";

/** What a principal gets before and after; null for nothing. */
export interface AccessDifference {
  arn: string;
  before: Identity | null;
  after: Identity | null;
}

/** A plan by its texts. */
export interface PlannedText {
  type: "planned";
  before: Readonly<Record<string, string>>;
  after: Readonly<Record<string, string>>;
  /** Unified, a section as a file, without colour; empty where nothing changes. */
  diff: string;
  differences: readonly AccessDifference[];
  /** Changes that were left out. The others are planned. */
  refused: readonly Refusal[];
  /** What is left of the ConfigMap's 1 MiB, its metadata not counted. */
  bytesLeft: number;
}

export interface Plan extends PlannedText {
  /** `after`, as the authenticator reads it. */
  document: ReadDocument;
}

export interface RefusedPlan {
  type: "refused";
  refusal: Refusal;
}

export type PlanResult = Plan | RefusedPlan;

/**
 * Plans changes to a document, or says why not. What a plan does not name stays, byte for byte. The text that comes out
 * is read again, and everybody in it must be who they were, but for the principals that the changes name.
 */
export function planChanges(document: AwsAuthDocument, changes: readonly Change[], guard: PlanGuard = {}): PlanResult {
  const blockers = changes.map((change) => blocks(document, change));
  const unread = refuseUnlessWhole(document);
  if (unread && blockers.every((problem) => problem !== null)) return { type: "refused", refusal: unread };
  const refused: Refusal[] = [];
  const accepted = changes.filter((change, index) => {
    const problem = blockers[index] ?? null;
    const refusal = problem ? { ...blocked(problem), arn: change.arn } : refuseChange(document, change, guard);
    if (refusal !== null) refused.push(refusal);
    return refusal === null;
  });
  const intents = intend(document, accepted);
  const after = editSections(document, intents);
  if (after === null) return { type: "refused", refusal: cannotEdit(document, intents) };
  const refusal = refuseResult(document, after, intents, guard);
  if (refusal !== null) return { type: "refused", refusal };
  return {
    type: "planned",
    before: document.data,
    after: after.data,
    document: after,
    diff: SECTIONS.map((section) => diffOf(section, document, after)).join(""),
    differences: differencesOf(document, after, intents),
    refused,
    bytesLeft: DOCUMENT_LIMIT - sizeOf(after.data),
  };
}

/** Why nothing can be given by a document, or be said of all that are in it; null: every section is read whole. */
export function refuseUnlessWhole(document: AwsAuthDocument): Refusal | null {
  const broken = firstBreak(document);
  return broken && blocked(broken);
}

function blocked({ code, section, line, message, remedy }: Problem): Refusal {
  return {
    code,
    message: `${section}, line ${line}: ${message} ${remedy} Until then nothing is given by aws-auth, and what stands in this section stays.`,
  };
}

function diffOf(section: Section, before: ReadDocument, after: ReadDocument): string {
  return unifiedDiff(section, before.sections[section].text, after.sections[section].text);
}

function differencesOf(before: ReadDocument, after: ReadDocument, intents: readonly Intent[]): AccessDifference[] {
  return intents
    .map(({ arn }) => ({ arn, before: resolve(before, arn), after: resolve(after, arn) }))
    .filter((difference) => JSON.stringify(difference.before) !== JSON.stringify(difference.after));
}
