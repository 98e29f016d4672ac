import type { Change } from "../../aws-auth/index.ts";
import { isOwnUsername } from "./lease.ts";
import type { Holding, Share } from "./lease-record.ts";
import type { MappedIdentity } from "./proof-record.ts";
import { mergeWithdrawals, type Withdrawals } from "./withdrawal.ts";

/** What is there without us: the entry less what we added. Null: nothing would be left. */
export function baseOf(entry: MappedIdentity | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  if (!holding) return entry;
  const groups = entry.groups.filter((group) => !holding.added.includes(group));
  // Of an entry to which we gave nothing but its username, one with another username is others' own.
  const isOurs = holding.entryAdded && (holding.added.length > 0 || isOwnUsername(entry.username));
  if (isOurs && groups.length === 0) return null;
  return { username: entry.username, groups };
}

export interface EntryTarget {
  readonly change: Change;
  /** What will be ours of it; null: nothing any more. */
  readonly holding: Holding | null;
}

/**
 * The entry that a principal must have: its base and the union of the groups of its shares.
 * @param username for an entry that we add; one that is there keeps its own
 * @param drifted shares of which another person took a part out: what is gone stays gone, what is there stays. They are
 *   held until their end all the same: the part may come back, as from a backup, and must not outlive its time then
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
    // Once ours, always ours: groups that others added to our entry and took away again leave nothing of theirs behind.
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
 * The memory of a document into which a part of a backup was written: what is there remembers, and of what the backup
 * remembers all that came back with it. A lease that ended since the backup was made must not come back as a person's own;
 * what stood there before the backup was written is not ours for its sake.
 *
 * @param broughtBack groups of a principal that it did not have before the backup was written; null: it was not mapped
 */
export function mergeMemory(
  live: DocumentMemory,
  backup: DocumentMemory,
  broughtBack: (arn: string) => readonly string[] | null,
): DocumentMemory {
  const merged = new Map(live.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  for (const old of backup.holdings) {
    const key = old.arn.toLowerCase();
    const came = comeBack(old, broughtBack(old.arn));
    if (came) merged.set(key, union(merged.get(key), came));
  }
  return { holdings: [...merged.values()], withdrawals: mergeWithdrawals(live.withdrawals, backup.withdrawals) };
}

/** What of a holding of the backup came back; null: nothing. */
function comeBack(old: Holding, brought: readonly string[] | null): Holding | null {
  if (brought === null) return old;
  const added = old.added.filter((group) => brought.includes(group));
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
