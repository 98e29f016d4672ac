import { hash } from "node:crypto";
import { canonicalCaller } from "../../access/arn.ts";
import { asPlanned, belongsTo } from "../../access/lease/drift.ts";
import {
  type ItemSummary,
  type MigrationSummary,
  type Replacement,
  replaceEntryStep,
  type StepSummary,
} from "../../access/migration.ts";
import { isIdentityCenterRole, withoutRolePath } from "../../access/principal.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import { competingEntries, type Entry, entryOf, planSteps, type Steps } from "../../aws-auth/index.ts";
import { rolesToRepair } from "../remade-roles.ts";
import {
  anEntry,
  type NamedRole,
  namesakesOf,
  repairOf,
  replacedRoles,
  roleInEntry,
  rolesInDocument,
} from "../replaced-roles.ts";
import { type MigrationFacts, type PresentEntry, principalKey, type UnmadeEntry } from "./facts.ts";
import { leasedNote } from "./item-outcome.ts";
import { arnAfter, changesOf, usernameAfter } from "./replacement.ts";

export type RepairPlanned =
  | {
      readonly type: "planned";
      readonly replacements: readonly Replacement[];
      readonly summary: MigrationSummary;
    }
  | { readonly type: "refused"; readonly code: string; readonly message: string };

/** A role with entries that let no one in any more, and the principal that replaces it. */
interface DeletedPrincipal {
  /** As the cluster names it. */
  readonly from: string;
  readonly current: string;
}

type Outcome = { readonly type: "replaced"; readonly place: string; readonly replacement: Replacement } | Kept;

interface Kept extends Pick<ItemSummary, "place" | "arn"> {
  readonly type: "kept";
  readonly outcome: "stays" | "waits";
  readonly why: string;
}

/**
 * Plans the repair of entries of deleted principals. A person names the current principal (`givenArns`). Otherwise EKS's own dates
 * do, where each role of a permission set has an access entry, or IAM, if it names one role. If the person is wrong, the role still
 * exists. So an entry goes only if EKS has confirmed a later role of its permission set. EKS confirms nothing about an item of
 * aws-auth, so an item never goes.
 */
export function* repairSteps(facts: MigrationFacts): Steps<RepairPlanned> {
  const deleted = deletedIn(facts).flatMap((each) => outcomesOf(each, facts));
  const outcomes = withinMessage([...(facts.unmade ?? []).map(ofUnmade), ...deleted]);
  const replacements = outcomes.flatMap((each) => (each.type === "replaced" ? [each.replacement] : []));
  if (replacements.length === 0) return outcomes.length > 0 ? refused(whyKept(outcomes)) : yield* byIam(facts);
  const inMap = replacements.filter(({ place }) => place === "aws-auth");
  if (inMap.length > 0) {
    const plan = yield* planSteps(facts.document, changesOf(inMap), repairGuard(facts));
    const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
    if (refusal) return { type: "refused", code: refusal.code, message: refusal.message };
  }
  const digest = digestOfRepair(facts, replacements);
  const items = outcomes.map(itemOf);
  return {
    type: "planned",
    replacements,
    summary: { mode: facts.mode, items, steps: stepsOf(replacements), keptBecause: null, before: [], digest },
  };
}

/** Two people approve that the current principal gets all that the deleted one had, system:masters included. */
export function repairGuard({ creatorArn }: Pick<MigrationFacts, "creatorArn">) {
  return { creatorArn, allowMasters: true };
}

/** Covers each replacement whole: an approval of one does not approve another. Hex SHA-256. */
export function digestOfRepair(
  { clusterArn }: Pick<MigrationFacts, "clusterArn">,
  replacements: readonly Replacement[],
): string {
  return hash("sha256", canonicalJson({ clusterArn, replacements: replacements as unknown as Json }));
}

/** The approvers' message shows at most this many in full, and no command shows the rest. */
const maxReplacements = 6;

/** Characters of one replacement, escaped: the message cuts an ARN at 300, and the whole at 600. */
const [maxArn, maxShown] = [290, 560];

/** Replaced items come first. More than a message shows waits: approvers approve only text that they can read (law 4). */
function withinMessage(all: readonly Outcome[]): readonly Outcome[] {
  const outcomes = all.map((each): Outcome => {
    if (each.type === "kept" || isReadable(each.place, each.replacement)) return each;
    return kept(each.place, each.replacement.from, "stays", "It has too many groups. Replace it by hand.");
  });
  const replaced = outcomes.flatMap((each) => (each.type === "replaced" ? [each] : []));
  const later = `One repair replaces ${maxReplacements} entries. Ask again after this one.`;
  const waiting = replaced
    .slice(maxReplacements)
    .map(({ place, replacement: { from } }) => kept(place, from, "waits", later));
  return [...replaced.slice(0, maxReplacements), ...outcomes.filter(({ type }) => type === "kept"), ...waiting];
}

function isReadable(place: string, replacement: Replacement): boolean {
  const shown = (text: string) => text.replace(/[&<>]/g, "&amp;").length;
  const { from } = replacement;
  return shown(from) <= maxArn && shown(`${from}${place}${becomes(replacement)}`) <= maxShown;
}

function kept(place: string, arn: string, outcome: Kept["outcome"], why: string): Kept {
  return { type: "kept", place, arn, outcome, why };
}

function whyKept(outcomes: readonly Outcome[]): string {
  return outcomes
    .flatMap((each) => (each.type === "kept" ? [`${each.arn} (${each.place}): ${each.why}`] : []))
    .join(" ");
}

function refused(message: string): RepairPlanned {
  return { type: "refused", code: "nothing-to-repair", message };
}

/** Lines of one refusal. */
const maxLines = 5;

/** The one repair that `check` would name; of several, a person chooses. */
function* byIam({ roles, ...facts }: MigrationFacts): Steps<RepairPlanned> {
  const [only, ...others] = roles ? rolesToRepair(facts.presentEntries, rolesNamed(facts), roles) : [];
  if (only === undefined) return refused("Found no deleted role. Add the current ARN.");
  if (others.length === 0) return yield* repairSteps({ ...facts, givenArns: [only] });
  const lines = [only, ...others].slice(0, maxLines).map((arn) => repairOf({ name: facts.cluster }, arn));
  return refused(`${others.length + 1} roles were made again. Repair one: ${lines.join(" or ")}.`);
}

function rolesNamed({ presentEntries, document, mode }: MigrationFacts): readonly NamedRole[] {
  return [...presentEntries.map(roleInEntry), ...(mode === "API" ? [] : rolesInDocument(document))];
}

function deletedIn(facts: MigrationFacts): readonly DeletedPrincipal[] {
  const { presentEntries } = facts;
  const named = rolesNamed(facts);
  const given = facts.givenArns.map((arn) => canonicalCaller(arn) ?? arn);
  const byPerson = given.flatMap((current): DeletedPrincipal[] => {
    if (isIdentityCenterRole(current)) return namesakesOf(current, named).map(({ arn }) => ({ from: arn, current }));
    const own = presentEntries.find(({ principalArn }) => principalKey(principalArn) === principalKey(current));
    return own ? [{ from: own.principalArn, current: own.principalArn }] : [];
  });
  const byDate = replacedRoles(named).flatMap(({ roles, successor }): DeletedPrincipal[] =>
    successor && !given.some((arn) => roles.some((role) => principalKey(role.arn) === principalKey(arn)))
      ? roles.filter((role) => role !== successor).map(({ arn }) => ({ from: arn, current: successor.arn }))
      : [],
  );
  const all = [...byPerson, ...byDate];
  return all.filter(({ from }, index) => all.findIndex((each) => each.from === from) === index);
}

function ofUnmade({ by, replacement, isTooOld }: UnmadeEntry): Outcome {
  if (!isTooOld) return { type: "replaced", place: anEntry, replacement };
  const why = `${by} deleted it too long ago. Create it as that repair shows.`;
  return kept(anEntry, replacement.from, "stays", why);
}

function outcomesOf(deleted: DeletedPrincipal, facts: MigrationFacts): readonly Outcome[] {
  const { presentEntries, document, mode } = facts;
  const entry = presentEntries.find(({ principalArn }) => principalArn === deleted.from);
  const item =
    mode === "API" || deleted.from === deleted.current ? null : entryOf(document, withoutRolePath(deleted.from));
  return [...(entry ? [ofEntry(entry, deleted, facts)] : []), ...(item ? [ofItem(item, deleted, facts)] : [])];
}

function ofEntry(entry: PresentEntry, { from, current }: DeletedPrincipal, facts: MigrationFacts): Outcome {
  const { username, groups, policies, tags = {}, createdAt = null } = entry;
  const { creatorArn } = facts;
  const isOfCreator = creatorArn !== null && principalKey(from) === principalKey(creatorArn);
  if (entry.type !== "STANDARD" || isOfCreator) {
    return kept(anEntry, from, "stays", "It is for nodes or the creator.");
  }
  if (entry.isLeased) return kept(anEntry, from, "waits", leasedNote);
  const rest = { username, groups: [...groups], policies: [...policies], tags: ownTags(tags), createdAt };
  const replacedBy = (to: string | null): Outcome => ({
    type: "replaced",
    place: anEntry,
    replacement: { place: "access-entry", from, to, ...rest },
  });
  if (from === current) return replacedBy(from);
  const own = ownOf(current, facts);
  if (own.isLeased) return kept(anEntry, from, "waits", leasedNote);
  // EKS checks that a role exists when it makes its entry, and a permission set has one role.
  if (!own.entry) return own.item ? kept(anEntry, from, "stays", unproved) : replacedBy(arnAfter(from, current));
  const isLater = Date.parse(own.entry.createdAt ?? "") > Date.parse(createdAt ?? "");
  return isLater ? replacedBy(null) : kept(anEntry, from, "stays", unproved);
}

function ofItem(item: Entry, deleted: DeletedPrincipal, facts: MigrationFacts): Outcome {
  const { arn, username, groups, section, line } = item;
  const place = `${section} line ${line}`;
  const stays = (why: string) => kept(place, arn, "stays", why);
  if (facts.owner) return stays(`${belongsTo(facts.cluster, facts.owner)}: write ${deleted.current} there.`);
  if (competingEntries(item, facts.document.lookup).length > 1)
    return stays("Several entries match it. Keep only one.");
  const own = ownOf(deleted.current, facts);
  if (own.isLeased || facts.holdings.has(arn.toLowerCase())) return kept(place, arn, "waits", leasedNote);
  if (own.entry || own.item) return stays(unproved);
  const to = withoutRolePath(arnAfter(deleted.from, deleted.current));
  const rest = { username, groups: [...groups], policies: [], tags: {}, createdAt: null };
  return { type: "replaced", place, replacement: { place: "aws-auth", from: arn, to, ...rest } };
}

const unproved = "This role may still exist.";

/** AWS sets these tags, for example for a CloudFormation stack, and refuses them from others. */
function ownTags(tags: NonNullable<PresentEntry["tags"]>): Replacement["tags"] {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.toLowerCase().startsWith("aws:")));
}

function ownOf(current: string, { presentEntries, document, mode, holdings }: MigrationFacts) {
  const entry = presentEntries.find(({ principalArn }) => principalKey(principalArn) === principalKey(current));
  const item = mode === "API" ? null : entryOf(document, withoutRolePath(current));
  return { entry, item, isLeased: entry?.isLeased || (item && holdings.has(item.arn.toLowerCase())) };
}

function itemOf(outcome: Outcome): ItemSummary {
  const { place } = outcome;
  if (outcome.type === "kept") {
    return { place, arn: outcome.arn, outcome: outcome.outcome, sentences: [outcome.why] };
  }
  const { replacement } = outcome;
  return { place, arn: replacement.from, outcome: "moves", sentences: [becomes(replacement)] };
}

function becomes(replacement: Replacement): string {
  const { place, from, to, groups, policies } = replacement;
  const given = [
    ...groups.map(inCode),
    ...policies.map(({ name, namespaces }) => `${inCode(name)}${scopeOf(namespaces)}`),
  ];
  const what = `as ${inCode(usernameAfter(replacement))}, ${given.length > 0 ? given.join(", ") : "no groups"}`;
  if (to === null) return "Deleted: the current principal has a later entry.";
  if (place === "aws-auth") return `${to} gets the same, ${what}. This item stays.`;
  return from === to ? `Made again, ${what}.` : `Becomes ${to}, ${what}.`;
}

/** A message escapes a name that has a backtick itself: here it could pass for more than one name. */
function inCode(name: string): string {
  return name === "" || name.includes("`") ? name : `\`${name}\``;
}

function scopeOf(namespaces: readonly string[] | null): string {
  return namespaces ? ` in ${namespaces.map(inCode).join(", ")}` : "";
}

export const replaceInMap = "replace-in-aws-auth";

function stepsOf(replacements: readonly Replacement[]): readonly StepSummary[] {
  const inMap = replacements.filter(({ place }) => place === "aws-auth");
  const entries = replacements.filter(({ place }) => place === "access-entry");
  const inDocument = {
    name: replaceInMap,
    does: `Add to aws-auth: ${inMap.map(({ from, to }) => `${to} with what ${from} has`).join(", ")}.`,
    proof: asPlanned("aws-auth"),
    undo: "eks-access rescue --document kept restores the previous document.",
  };
  return [...(inMap.length > 0 ? [inDocument] : []), ...entries.map(entryStep)];
}

function entryStep(replacement: Replacement): StepSummary {
  const { from, to } = replacement;
  const does = `Access entry of ${from}: ${becomes(replacement)}`;
  const name = replaceEntryStep(from);
  const undo = to === null ? "Recreate it from the audit log." : `Delete the access entry of ${to}.`;
  return { name, does, proof: asPlanned("the access entry"), undo };
}
