import type { Change } from "../../aws-auth/index.ts";
import { isOwnUsername } from "./lease.ts";
import type { Holding, MappedIdentity, Share } from "./lease-record.ts";
import { mergeWithdrawals, type Withdrawals } from "./withdrawal.ts";

/** The entry without our part. Null: nothing would remain. */
export function baseOf(entry: MappedIdentity | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  if (!holding) return entry;
  const groups = entry.groups.filter((group) => !holding.added.includes(group));
  // If we gave an entry only its username, an entry with another username belongs to others.
  const isOurs = holding.entryAdded && (holding.added.length > 0 || isOwnUsername(entry.username));
  if (isOurs && groups.length === 0) return null;
  return { username: entry.username, groups };
}

export interface EntryTarget {
  readonly change: Change;
  /** Our part after the change; null: none. */
  readonly holding: Holding | null;
}

/**
 * The entry that a principal must have: its base and its shares' groups. @param username for an entry that we add @param drifted
 * shares of which others removed a part: nothing returns, but the holding keeps them, as a backup may bring the part back
 */
export function entryTarget(
  arn: string,
  entry: MappedIdentity | null,
  holding: Holding | undefined,
  shares: readonly Share[],
  username: string,
  drifted: readonly Share[] = [],
): EntryTarget {
  const base = baseOf(entry, holding);
  const held = [...shares, ...drifted].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (held.length === 0) {
    return { change: base ? { type: "map", arn, ...base } : { type: "unmap", arn }, holding: null };
  }
  const left = groupsOf(drifted).filter((group) => entry?.groups.includes(group));
  const wanted = [...new Set([...groupsOf(shares), ...left])].sort();
  const kept = entry?.groups.filter((group) => base?.groups.includes(group) || wanted.includes(group)) ?? [];
  const groups = [...kept, ...wanted.filter((group) => !kept.includes(group))];
  const added = groupsOf(held).filter((group) => !base?.groups.includes(group));
  const isEmpty = base === null && wanted.length === 0 && shares.length === 0;
  return {
    change: isEmpty ? { type: "unmap", arn } : { type: "map", arn, username: entry?.username ?? username, groups },
    // An entry that was ours once stays ours, whatever groups others changed since.
    holding: { arn, entryAdded: (base === null && !isEmpty) || holding?.entryAdded === true, added, shares: held },
  };
}

function groupsOf(shares: readonly Share[]): readonly string[] {
  return [...new Set(shares.flatMap((share) => share.groups))].sort();
}

export interface DocumentMemory {
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

/**
 * The memory of a document into which others restored a backup: ours, with all that came back, so that an ended lease does not
 * return as others' access. @param restoredGroups a principal's groups that the restore added; null: it was not mapped
 */
export function mergeMemory(
  live: DocumentMemory,
  backup: DocumentMemory,
  restoredGroups: (arn: string) => readonly string[] | null,
): DocumentMemory {
  const merged = new Map(live.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  for (const old of backup.holdings) {
    const key = old.arn.toLowerCase();
    const came = restoredPart(old, restoredGroups(old.arn));
    if (came) merged.set(key, union(merged.get(key), came));
  }
  return { holdings: [...merged.values()], withdrawals: mergeWithdrawals(live.withdrawals, backup.withdrawals) };
}

/** The part of the backup's holding that came back; null: none. */
function restoredPart(old: Holding, restored: readonly string[] | null): Holding | null {
  if (restored === null) return old;
  const added = old.added.filter((group) => restored.includes(group));
  if (added.length === 0) return null;
  const shares = old.shares.filter(({ groups }) => groups.some((group) => added.includes(group)));
  return { ...old, added, shares, entryAdded: false };
}

function union(live: Holding | undefined, came: Holding): Holding {
  if (!live) return came;
  const shares = new Map<string, Share>([...came.shares, ...live.shares].map((share) => [share.id, share]));
  return {
    arn: live.arn,
    entryAdded: live.entryAdded || came.entryAdded,
    added: [...new Set([...live.added, ...came.added])].sort(),
    shares: [...shares.values()],
  };
}
