import type { Entry, Lookup } from "./document.ts";
import { goFold, goLower } from "./go-yaml/fold.ts";
import type { Section } from "./problem.ts";

/** Builds what callers are looked up in, from all entries and from those of them that the authenticator keeps. */
export function buildLookup(entries: readonly Entry[], kept: readonly Entry[]): Lookup {
  const of = (section: Section) => kept.filter((entry) => entry.section === section);
  const accounts = of("mapAccounts").map((account) => account.arn);
  return {
    roles: byFold(lastOfKey(of("mapRoles"), (entry) => goLower(entry.arn))),
    users: byFold(lastOfKey(of("mapUsers"), (entry) => entry.arn)),
    accounts: new Set(accounts),
    items: byFold(entries.filter((entry) => entry.section !== "mapAccounts")),
  };
}

/**
 * The authenticator keeps one entry a key, the last. It makes a role's key from its ARN in lower case and a user's from
 * the ARN as written, so users that differ in case are all kept, and whichever Go's map gives first wins.
 */
function lastOfKey(entries: readonly Entry[], keyOf: (entry: Entry) => string): Entry[] {
  const last = new Map<string, Entry>();
  for (const entry of entries) last.set(keyOf(entry), entry);
  return [...last.values()].sort((a, b) => a.index - b.index);
}

function byFold(entries: readonly Entry[]): Map<string, Entry[]> {
  const byArn = new Map<string, Entry[]>();
  for (const entry of entries) {
    const fold = goFold(entry.arn);
    const same = byArn.get(fold);
    if (same === undefined) byArn.set(fold, [entry]);
    else same.push(entry);
  }
  return byArn;
}

/** The entry that answers for a canonical ARN; where chance decides, the last one written. Roles come before users. */
export function lookUp(lookup: Lookup, canonicalArn: string): Entry | null {
  const key = goFold(canonicalArn);
  return lookup.roles.get(key)?.at(-1) ?? lookup.users.get(key)?.at(-1) ?? null;
}
