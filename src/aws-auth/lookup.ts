import type { Entry, Lookup } from "./document.ts";
import { goFold, goLower } from "./go-yaml/fold.ts";

/** Builds what callers are looked up in. `entries` are those that the authenticator keeps. */
export function buildLookup(entries: readonly Entry[]): Lookup {
  const accounts = entries.filter((entry) => entry.section === "mapAccounts");
  return {
    roles: byFold(
      entries.filter((entry) => entry.section === "mapRoles"),
      goLower,
    ),
    users: byFold(
      entries.filter((entry) => entry.section === "mapUsers"),
      (arn) => arn,
    ),
    accounts: new Set(accounts.map((account) => account.arn)),
  };
}

/**
 * The authenticator keeps one entry a key, the last, and then compares without case. It makes a role's key from its
 * ARN in lower case and a user's from the ARN as written, so users that differ in case are all kept, and whichever Go's
 * map gives first wins.
 */
function byFold(entries: readonly Entry[], keyOf: (arn: string) => string): Map<string, Entry[]> {
  const kept = new Map<string, Entry>();
  for (const entry of entries) kept.set(keyOf(entry.arn), entry);
  const byArn = new Map<string, Entry[]>();
  for (const entry of kept.values()) {
    const fold = goFold(entry.arn);
    const same = byArn.get(fold);
    if (same === undefined) byArn.set(fold, [entry]);
    else same.push(entry);
  }
  for (const same of byArn.values()) if (same.length > 1) same.sort((a, b) => a.index - b.index);
  return byArn;
}

/** The entry that answers for a canonical ARN; where chance decides, the last one written. Roles come before users. */
export function lookUp(lookup: Lookup, canonicalArn: string): Entry | null {
  const key = goFold(canonicalArn);
  return lookup.roles.get(key)?.at(-1) ?? lookup.users.get(key)?.at(-1) ?? null;
}
