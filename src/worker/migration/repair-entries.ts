import { AccessError } from "../../access/access-error.ts";
import { canonicalCaller } from "../../access/arn.ts";
import { asPlanned, readBackDiffers } from "../../access/lease/drift.ts";
import {
  isMigrationOver,
  type Migration,
  migrationIdOf,
  migrationNumber,
  type Replacement,
  replaceEntryStep,
  type SealedPlan,
} from "../../access/migration.ts";
import { approversConfirmedForSeconds, isGenuinePlan } from "../../access/seals.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { planSteps } from "../../aws-auth/index.ts";
import {
  type MigrationFacts,
  type PresentEntry,
  principalKey,
  type UnmadeEntry,
} from "../../diagnosis/migration/facts.ts";
import { digestOfRepair, repairGuard, replaceInMap } from "../../diagnosis/migration/plan-repair.ts";
import { changesOf, progressOf, replacesExactly, usernameAfter } from "../../diagnosis/migration/replacement.ts";
import { inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { carryOut, recordFound, writeAndReadBack } from "./carry-out-step.ts";
import { type BegunTags, presentEntryOf, withManager } from "./gather-migration.ts";
import { type MigrationRun, mappedSentence, readBack, signInByMovedEntry, wholeMigration } from "./give-entry.ts";

/** `on`: another pass follows. `void`: the cluster is no longer as approved, so the approvers must decide again. */
export type RepairPass = { readonly type: "done" | "on" } | { readonly type: "void"; readonly message: string };

/**
 * Carries out the next step of an approved repair. The approvals name its replacements by their digest, so a forged
 * record replaces nothing. Only a worker's own plan counts: the Slack process signs approvals, and would choose who gets
 * an administrator's entry. If a person stopped the repair, it only completes a step that began. @throws AccessError
 */
export async function repairOnce(run: MigrationRun, migration: Migration): Promise<RepairPass> {
  const { facts } = run.gathered;
  const { plan, begun } = migration;
  const replacements = plan?.replacements ?? [];
  const isOurs = isGenuinePlan(migration, run.context.keys.preview);
  if (!plan || !isOurs || digestOfRepair(facts, replacements) !== plan.digest) {
    return { type: "void", message: "the plan is not the approved one" };
  }
  const plannedAt = [plan.at, ...replacements.flatMap(({ firstPlannedAt }) => firstPlannedAt ?? [])];
  if (plannedAt.some((at) => isTooOld(run.context, at))) return { type: "void", message: "the plan is too old" };
  const progress = new Map(replacements.map((each) => [each, progressOf(each, facts)]));
  // What began is completed first: its entry can be deleted, and only this plan says what it was.
  const began = replacements.filter((each) => stepOf(each) === begun?.name && progress.get(each) === "left");
  const [other] = began.length > 0 ? [] : replacements.filter((each) => progress.get(each) === "differs");
  if (other) return { type: "void", message: `the entry of ${other.from} changed since the approval` };
  const left = replacements.filter((each) => progress.get(each) === "left");
  const steps = [...new Set(left.map(stepOf))];
  if (begun && !steps.includes(begun.name)) {
    await recordFound(run.context, migration, begun.name);
    return { type: "on" };
  }
  const name = begun?.name ?? (isMigrationOver(migration) ? undefined : steps[0]);
  if (name === undefined) return { type: "done" };
  const chosen = left.filter((each) => stepOf(each) === name);
  await carryOut(run, migration, name, (logged) =>
    name === replaceInMap ? replaceInDocument(logged, chosen) : replaceByEntries(logged, migration, chosen[0]),
  );
  return { type: "on" };
}

/** Two rounds of approvals. Who can sign approvals could carry out a plan of years ago, and give back what administrators deleted since. */
function isTooOld({ config, now }: WorkerContext, plannedAt: string): boolean {
  const round = config.timing.requestExpiresAfterSeconds + approversConfirmedForSeconds;
  return !(now().getTime() <= Date.parse(plannedAt) + 2 * round * 1000);
}

/** The replacement of a step that deleted the outdated entry, and has no new one yet; null: there is none. */
export function deletedEntry(
  { replacements = [] }: SealedPlan,
  step: string,
  { presentEntries }: Pick<MigrationFacts, "presentEntries">,
): Replacement | null {
  const found = replacements.find((each) => each.from === each.to && stepOf(each) === step);
  return found && !presentEntries.some(({ principalArn }) => principalArn === found.from) ? found : null;
}

/** What earlier repairs of the cluster deleted and did not make again, of the principals that `repair` names, by a worker's own plans. */
export async function unmadeEntries(
  context: WorkerContext,
  repair: Migration,
  facts: MigrationFacts,
): Promise<readonly UnmadeEntry[]> {
  const found: UnmadeEntry[] = [];
  const left = new Set(repair.givenArns.map((arn) => principalKey(canonicalCaller(arn) ?? arn)));
  for (let number = migrationNumber(repair) - 1; number > 0; number -= 1) {
    const earlier = await context.ledger.migrations.get(migrationIdOf(repair.cluster, number));
    if (!earlier) break;
    const { id, plan, unmade } = earlier;
    if (unmade === undefined || !plan || !isGenuinePlan(earlier, context.keys.preview)) continue;
    if (digestOfRepair(facts, plan.replacements ?? []) !== plan.digest) continue;
    const replacement = deletedEntry(plan, replaceEntryStep(unmade), facts);
    if (!replacement || !left.delete(principalKey(replacement.from))) continue;
    const { firstPlannedAt = plan.at } = replacement;
    found.push({
      by: id,
      isTooOld: isTooOld(context, firstPlannedAt),
      replacement: { ...replacement, firstPlannedAt },
    });
  }
  return found;
}

function stepOf({ place, from }: Replacement): string {
  return place === "aws-auth" ? replaceInMap : replaceEntryStep(from);
}

async function replaceInDocument(run: MigrationRun, replacements: readonly Replacement[]): Promise<readonly string[]> {
  const { facts } = run.gathered;
  const plan = await inTurns(planSteps(facts.document, changesOf(replacements), repairGuard(facts)));
  const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
  if (refusal || plan.type === "refused") {
    throw new AccessError("migration-stopped", `aws-auth can't be repaired now: ${refusal?.message ?? ""}`);
  }
  await writeAndReadBack(run, plan.after);
  return [asPlanned("aws-auth"), "Everyone else in it signs in as before."];
}

async function replaceByEntries(run: MigrationRun, migration: Migration, replacement: Replacement | undefined) {
  if (!replacement) return [];
  const { context, gathered } = run;
  return withManager(gathered.openManager, context.awsRequests, async (entries) => {
    const entry = await replaceEntry(entries, replacement, gathered.begunTags, context.pause);
    if (!entry) return [asPlanned("the access entry")];
    const { result, detail } = await signInByMovedEntry(run, migration, entry);
    return [mappedSentence(entry), `signed in: ${result}, ${detail}.`];
  });
}

/**
 * Makes the new entry before it deletes the earlier one, except under the same ARN: EKS keeps one entry for each ARN. The
 * earlier one lets no one in, so nothing is lost in between. Safe to stop between any two calls.
 * @returns the new entry; null: the earlier one is only deleted
 */
async function replaceEntry(
  entries: AccessEntries,
  replacement: Replacement,
  begunTags: BegunTags,
  pause: WorkerContext["pause"],
): Promise<AccessEntry | null> {
  const { from, to } = replacement;
  if (to === null || from === to) await removeDead(entries, replacement);
  if (to === null) return null;
  await createEntry(entries, replacement, to, begunTags);
  const isWanted = (entry: PresentEntry) => replacesExactly(entry, replacement, usernameAfter(replacement));
  const made = await readBack(entries, to, isWanted, pause);
  if (!made) throw entryChanged(to);
  if (from !== to) await removeDead(entries, replacement);
  await entries.tag(made, wholeMigration);
  return made;
}

async function removeDead(entries: AccessEntries, replacement: Replacement): Promise<void> {
  const { from, to, createdAt, username } = replacement;
  const found = await entries.describe(from);
  if (!found || (from === to && found.createdAt !== (createdAt ?? undefined))) return;
  if (!replacesExactly(presentEntryOf(found), replacement, username)) throw entryChanged(from);
  await entries.remove(from);
}

async function createEntry(
  entries: AccessEntries,
  replacement: Replacement,
  principalArn: string,
  begunTags: BegunTags,
): Promise<void> {
  const { groups, policies, tags } = replacement;
  const username = usernameAfter(replacement);
  const found = await entries.describe(principalArn);
  if (found && replacesExactly(presentEntryOf(found), replacement, username)) return;
  if (found && (begunTags.begunBy(found) !== "this" || found.username !== username)) {
    throw entryChanged(principalArn);
  }
  if (found) await entries.setGroups(principalArn, groups);
  else await entries.create({ principalArn, username, groups, tags: { ...tags, ...begunTags.tagFor(principalArn) } });
  for (const policy of policies) await entries.associate(principalArn, policy);
}

function entryChanged(principalArn: string): AccessError {
  return new AccessError("access-entry-conflict", readBackDiffers(`the access entry of ${principalArn}`), {
    remedy: "Check it, then ask again.",
  });
}
