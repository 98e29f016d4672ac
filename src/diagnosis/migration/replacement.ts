import type { Replacement } from "../../access/migration.ts";
import type { Change } from "../../access/principal.ts";
import { entryOf, sameGroups } from "../../aws-auth/index.ts";
import { type MigrationFacts, type PresentEntry, principalKey } from "./facts.ts";

/** The ARN of the current role in place of a deleted one. Both belong to one permission set, so they have the same path. */
export function arnAfter(from: string, current: string): string {
  return `${from.slice(0, from.lastIndexOf("/") + 1)}${nameIn(current)}`;
}

function nameIn(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** The username of the deleted role's entry, with the new role's name where EKS wrote the old one. */
export function usernameAfter({ username, from, to }: Replacement): string {
  return to === null ? username : username.replaceAll(nameIn(from), nameIn(to));
}

export function changesOf(replacements: readonly Replacement[]): readonly Change[] {
  return replacements.flatMap((each): Change[] => {
    const { to, groups } = each;
    return to === null ? [] : [{ type: "map", arn: to, username: usernameAfter(each), groups }];
  });
}

/** How far a replacement is. `differs`: the cluster has neither the approved state nor its result. */
export type Progress = "left" | "done" | "differs";

export function progressOf(
  replacement: Replacement,
  facts: Pick<MigrationFacts, "presentEntries" | "document">,
): Progress {
  return replacement.place === "aws-auth" ? inMap(replacement, facts) : inEntries(replacement, facts);
}

function inMap(replacement: Replacement, { document }: Pick<MigrationFacts, "document">): Progress {
  const { from, to, username, groups } = replacement;
  const made = to === null ? null : entryOf(document, to);
  if (made) return made.username === usernameAfter(replacement) && sameGroups(made.groups, groups) ? "done" : "differs";
  const outdated = entryOf(document, from);
  return outdated?.username === username && sameGroups(outdated.groups, groups) ? "left" : "differs";
}

function inEntries(replacement: Replacement, { presentEntries }: Pick<MigrationFacts, "presentEntries">): Progress {
  const { from, to, createdAt } = replacement;
  const of = (arn: string) =>
    presentEntries.find(({ principalArn }) => principalKey(principalArn) === principalKey(arn));
  const found = of(from);
  const isOutdated = found !== undefined && (from !== to || found.createdAt === (createdAt ?? undefined));
  if (isOutdated && !replacesExactly(found, replacement, replacement.username)) return "differs";
  if (to === null) return isOutdated ? "left" : "done";
  const made = from === to && isOutdated ? undefined : of(to);
  // Without either, only an entry of the same ARN can be deleted and not yet created.
  if (!made) return isOutdated || from === to ? "left" : "differs";
  if (made.migrated === "begun") return "left";
  if (!replacesExactly(made, replacement, usernameAfter(replacement))) return "differs";
  return isOutdated ? "left" : "done";
}

/** Whether an entry has all that the earlier one gave, and no more. */
export function replacesExactly(entry: PresentEntry, { groups, policies }: Replacement, username: string): boolean {
  const { isLeased, type } = entry;
  if (isLeased || type !== "STANDARD" || entry.username !== username) return false;
  return sameGroups(entry.groups, groups) && policyKeys(entry.policies) === policyKeys(policies);
}

function policyKeys(policies: Replacement["policies"]): string {
  const keys = policies.map(({ name, namespaces }) => [name, namespaces && [...namespaces].sort()]);
  return JSON.stringify(keys.map((key) => JSON.stringify(key)).sort());
}
