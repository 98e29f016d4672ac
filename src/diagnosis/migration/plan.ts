import { hash } from "node:crypto";
import { canonicalCaller } from "../../access/arn.ts";
import { belongsTo } from "../../access/lease/drift.ts";
import type { AuthenticationMode } from "../../access/policy/cluster.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import { reservedName } from "../../access-entry/index.ts";
import {
  finish,
  MASTERS,
  planSteps,
  type ReadDocument,
  readingSteps,
  refuseUnlessWhole,
  render,
  resolve,
  type Steps,
} from "../../aws-auth/index.ts";
import {
  authenticatedGroup,
  CLUSTER_ADMIN,
  isAdminBy,
  type MigrationFacts,
  type MigrationStep,
  type PresentEntry,
  principalKey,
  type WantedEntry,
} from "./facts.ts";
import { type ItemOutcome, outcomesOf } from "./item-outcome.ts";

export interface MigrationPlan {
  readonly type: "planned";
  readonly mode: AuthenticationMode;
  readonly outcomes: readonly ItemOutcome[];
  readonly steps: readonly MigrationStep[];
  /** Why the moved items can't leave aws-auth, where they no longer count; null: they can. */
  readonly keptBecause: string | null;
  /** The ARNs, or accounts, that the mode API would drop. */
  readonly before: readonly string[];
  /** Covers each new access entry and each item that leaves aws-auth. It stays the same until all is done. Hex SHA-256. */
  readonly digest: string;
}

export type MigrationResult =
  | MigrationPlan
  | { readonly type: "refused"; readonly code: string; readonly message: string };

/** After each step the same principals can sign in, with the same names, except those that a step names. */
export function planMigration(facts: MigrationFacts): MigrationResult {
  return finish(migrationSteps(facts));
}

/** A plan of more takes a worker's memory, and its approvers' patience. */
const mostEntries = 5_000;

export function* migrationSteps(facts: MigrationFacts): Steps<MigrationResult> {
  if (facts.mode === "API") {
    return { type: "refused", code: "nothing-to-migrate", message: `${facts.cluster} does not read aws-auth.` };
  }
  const { length } = facts.document.entries;
  if (length > mostEntries) {
    const message = `aws-auth of ${facts.cluster} has ${length} entries; a migration takes ${mostEntries} at most. Remove some.`;
    return { type: "refused", code: "too-many-entries", message };
  }
  const outcomes = yield* outcomesOf(facts);
  const out = yield* planRemoval(facts, outcomes);
  if (out.type === "refused") return out;
  const gives = outcomes.flatMap(({ outcome }): MigrationStep[] =>
    outcome.type === "moves" && !outcome.isDone ? [{ type: "give-entry", wanted: outcome.wanted }] : [],
  );
  const isToSwitch = facts.mode === "CONFIG_MAP" && outcomes.some(({ outcome }) => outcome.type === "moves");
  const steps: MigrationStep[] = [...(isToSwitch ? [{ type: "switch-mode" } as const] : []), ...gives, ...out.steps];
  yield;
  const flaw = yield* checkSteps(facts, steps);
  if (flaw !== null) return { type: "refused", code: "unintended-change", message: flaw };
  return {
    type: "planned",
    mode: facts.mode,
    outcomes,
    steps,
    keptBecause: out.keptBecause,
    before: outcomes.filter(isBeforeApi).map(({ item }) => item.arn),
    digest: digestOf(facts, outcomes),
  };
}

type Removal = { readonly type: "out"; readonly steps: readonly MigrationStep[]; readonly keptBecause: string | null };

/** Administrators may leave the document where they have the policy: an empty document is the goal. */
function* planRemoval(
  facts: MigrationFacts,
  outcomes: readonly ItemOutcome[],
): Steps<Removal | (MigrationResult & { type: "refused" })> {
  // An unreadable section has unknown items, which the migration would lose.
  const unread = refuseUnlessWhole(facts.document);
  if (unread) return { type: "refused", code: unread.code, message: unread.message };
  const arns = outcomes.flatMap(({ item, outcome }) =>
    outcome.type === "moves" || outcome.type === "has-entry" ? [item.arn] : [],
  );
  const guard = { creatorArn: facts.creatorArn, allowNoAdministrator: true };
  const changes = arns.map((arn) => ({ type: "unmap", arn }) as const);
  const planned = yield* planSteps(facts.document, changes, guard);
  yield;
  if (facts.owner && arns.length > 0) {
    const keptBecause = `${belongsTo(facts.cluster, facts.owner)}: remove these entries there.`;
    return { type: "out", steps: [], keptBecause };
  }
  if (planned.type === "planned" && planned.refused.length === 0) {
    const steps = arns.length > 0 ? [{ type: "remove-from-aws-auth", arns, after: planned.after } as const] : [];
    return { type: "out", steps, keptBecause: null };
  }
  const refusal = planned.type === "refused" ? planned.refusal : planned.refused[0];
  return { type: "out", steps: [], keptBecause: refusal?.message ?? null };
}

function isBeforeApi({ outcome }: ItemOutcome): boolean {
  return outcome.type === "stays" || outcome.type === "waits" || (outcome.type === "nodes" && !outcome.isThere);
}

function digestOf({ clusterArn }: MigrationFacts, outcomes: readonly ItemOutcome[]): string {
  const migrations = outcomes.flatMap(({ item, outcome }): Json[] => {
    if (outcome.type === "has-entry") return [{ arn: item.arn, entry: null }];
    if (outcome.type !== "moves") return [];
    const { principalArn, username, groups, isAdmin } = outcome.wanted;
    return [{ arn: item.arn, entry: { principalArn, username, groups: [...groups].sort(), isAdmin } }];
  });
  return hash("sha256", canonicalJson({ clusterArn, migrations }));
}

function entryGiven({ principalArn, username, groups, isAdmin }: WantedEntry): PresentEntry {
  const policies = isAdmin ? [{ name: CLUSTER_ADMIN, namespaces: null }] : [];
  return { principalArn, type: "STANDARD", username, groups, policies, migrated: "whole", isLeased: false };
}

/** Who can sign in after a step. The entries that EKS makes with the new mode are for nodes and the creator. */
function* after(state: SignInState, step: MigrationStep): Steps<SignInState> {
  switch (step.type) {
    case "switch-mode":
      return { ...state, mode: "API_AND_CONFIG_MAP" };
    case "give-entry":
      state.entries.set(principalKey(step.wanted.principalArn), entryGiven(step.wanted));
      return state;
    case "remove-from-aws-auth":
      return { ...state, document: yield* readingSteps(step.after) };
  }
}

/** Plays the steps, and compares each named principal's identity after each. @returns the unintended change, as one sentence; null: none */
function* checkSteps(facts: MigrationFacts, steps: readonly MigrationStep[]): Steps<string | null> {
  let state = untouched(facts, steps);
  const callers: { readonly arn: string; readonly before: SignedIn | null }[] = [];
  const byKey = new Map<string, typeof callers>();
  for (const arn of callersOf(facts, steps)) {
    yield;
    const caller = { arn, before: predictSignIn(state, arn) };
    const same = byKey.get(keyOf(arn));
    if (same === undefined) byKey.set(keyOf(arn), [caller]);
    else same.push(caller);
    callers.push(caller);
  }
  for (const step of steps) {
    state = yield* after(state, step);
    // No other caller's sign-in reads this entry.
    const touched = step.type === "give-entry" ? (byKey.get(principalKey(step.wanted.principalArn)) ?? []) : callers;
    for (const { arn, before } of touched) {
      yield;
      if (!isSame(before, predictSignIn(state, arn))) return `The step ${step.type} would change ${arn}.`;
    }
  }
  return null;
}

/** A caller's own access entry has the key of its principal. */
function keyOf(callerArn: string): string {
  return principalKey(canonicalCaller(callerArn) ?? callerArn);
}

/** The state before: an incomplete entry of ours does not count against aws-auth. */
function untouched({ mode, document, presentEntries }: MigrationFacts, steps: readonly MigrationStep[]): SignInState {
  const given = new Set(
    steps.flatMap((step) => (step.type === "give-entry" ? [principalKey(step.wanted.principalArn)] : [])),
  );
  return {
    mode,
    document,
    entries: new Map(
      presentEntries
        .toReversed()
        .map((entry) => [principalKey(entry.principalArn), entry] as const)
        .filter(([key]) => !given.has(key)),
    ),
  };
}

/** Includes one role of each account that is mapped whole. */
function callersOf({ document, presentEntries }: MigrationFacts, steps: readonly MigrationStep[]): string[] {
  const named = document.entries.map(({ section, arn }) =>
    section === "mapAccounts" ? `arn:aws:iam::${arn}:role/any-other` : arn,
  );
  const given = steps.flatMap((step) => (step.type === "give-entry" ? [step.wanted.principalArn] : []));
  return [...new Set([...named, ...presentEntries.map(({ principalArn }) => principalArn), ...given])];
}

/** An access entry can't have groups that begin with `system:`: an administrator's policy replaces them. */
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
  if (group === "" || group === authenticatedGroup) return true;
  return isAdmin && reservedName.test(group);
}

interface SignInState {
  readonly mode: AuthenticationMode;
  readonly document: ReadDocument;
  /** By the key of the principal. */
  readonly entries: Map<string, PresentEntry>;
}

/** An administrator by an access policy for the whole cluster, or by system:masters. */
type SignedIn = Pick<WantedEntry, "username" | "groups" | "isAdmin">;

/**
 * A caller's identity, or null: by its access entry where the mode has them, else by aws-auth. Nodes' entries count as none.
 * @param callerArn from sts:GetCallerIdentity, or a role's or user's own
 */
function predictSignIn({ mode, document, entries }: SignInState, callerArn: string): SignedIn | null {
  const entry = mode === "CONFIG_MAP" ? undefined : entries.get(keyOf(callerArn));
  if (entry) return entry.type === "STANDARD" ? signInByEntry(entry, callerArn) : null;
  const identity = mode === "API" ? null : resolve(document, callerArn);
  return identity && { ...identity, isAdmin: identity.groups.includes(MASTERS) };
}

/** Whether its item in aws-auth would sign the principal of an entry in as the entry does. */
export function isAsItem(document: ReadDocument, entry: Parameters<typeof signInByEntry>[0], arn: string): boolean {
  return isSame(predictSignIn({ mode: "CONFIG_MAP", document, entries: new Map() }, arn), signInByEntry(entry, arn));
}

export function signInByEntry(
  { username, groups, policies }: Pick<PresentEntry, "username" | "groups" | "policies">,
  callerArn: string,
): SignedIn | null {
  const [, sessionName = "eks-access"] = /:assumed-role\/.*\/(.*)$/.exec(callerArn) ?? [];
  const rendered = render(username, { accountId: callerArn.split(":")[4] ?? "", sessionName });
  return rendered === null ? null : { username: rendered, groups, isAdmin: isAdminBy(policies) };
}
