import { parseDocument } from "../../aws-auth/index.ts";
import type { MigrationStep } from "./facts.ts";
import { CLUSTER_ADMIN, type MigrationFacts, principalKey, type StandingEntry, type WantedEntry } from "./facts.ts";
import { type SignedIn, type SignInState, signIn } from "./sign-in.ts";

/** The access entry that a step leaves behind. */
function entryGiven({ principalArn, username, groups, isAdmin }: WantedEntry): StandingEntry {
  const policies = isAdmin ? [{ name: CLUSTER_ADMIN, namespaces: null }] : [];
  return { principalArn, type: "STANDARD", username, groups, policies, migrated: "whole", isLeased: false };
}

/** What decides who may sign in after a step. What EKS itself makes when the mode is switched is for nodes and the creator. */
function after(state: SignInState, step: MigrationStep): SignInState {
  switch (step.type) {
    case "switch-mode":
      return { ...state, mode: "API_AND_CONFIG_MAP" };
    case "give-entry": {
      const key = principalKey(step.wanted.principalArn);
      const others = state.entries.filter((entry) => principalKey(entry.principalArn) !== key);
      return { ...state, entries: [...others, entryGiven(step.wanted)] };
    }
    case "take-out":
      return { ...state, document: parseDocument(step.after) };
  }
}

/**
 * Goes through the steps on the values, and asks after each one who everybody is that the document or an access entry names.
 *
 * @returns what a step would change that it must not, as one sentence; null: nothing
 */
export function checkSteps(facts: MigrationFacts, steps: readonly MigrationStep[]): string | null {
  let state = untouched(facts, steps);
  const callers = callersOf(facts, steps);
  const before = new Map(callers.map((arn) => [arn, signIn(state, arn)]));
  for (const step of steps) {
    state = after(state, step);
    const other = callers.find((arn) => !isSame(before.get(arn) ?? null, signIn(state, arn)));
    if (other !== undefined) {
      return `The step ${step.type} would change who ${other} is. Nothing of the plan is carried out.`;
    }
  }
  return null;
}

/** As it was before: an entry that was begun and is not whole yet counts for nothing against what aws-auth says. */
function untouched({ mode, document, standing }: MigrationFacts, steps: readonly MigrationStep[]): SignInState {
  const given = new Set(
    steps.flatMap((step) => (step.type === "give-entry" ? [principalKey(step.wanted.principalArn)] : [])),
  );
  return { mode, document, entries: standing.filter(({ principalArn }) => !given.has(principalKey(principalArn))) };
}

/** A role of each account too that is mapped as a whole, and that nothing else names. */
function callersOf({ document, standing }: MigrationFacts, steps: readonly MigrationStep[]): string[] {
  const named = document.entries.map(({ section, arn }) =>
    section === "mapAccounts" ? `arn:aws:iam::${arn}:role/of-whom-nobody-spoke` : arn,
  );
  const given = steps.flatMap((step) => (step.type === "give-entry" ? [step.wanted.principalArn] : []));
  return [...new Set([...named, ...standing.map(({ principalArn }) => principalArn), ...given])];
}

/** Groups that begin with `system:` can't be in an access entry: the policy of an administrator stands for them. */
function isSame(before: SignedIn | null, now: SignedIn | null): boolean {
  if (before === null || now === null) return before === now;
  if (before.username !== now.username || before.isAdmin !== now.isAdmin) return false;
  const groups = (of: SignedIn) =>
    [...new Set(of.groups)]
      .filter((group) => !isLeftOut(group, of))
      .sort()
      .join("\n");
  return groups(before) === groups(now);
}

function isLeftOut(group: string, { isAdmin }: SignedIn): boolean {
  if (group === "" || group === "system:authenticated") return true;
  return isAdmin && /^(?:system|eks|aws|amazon|iam):/.test(group);
}
