import type { Holding, Share } from "../request/record.ts";
import { bothWithdrawals, type Withdrawals } from "./withdrawal.ts";

/** What an annotation of a cluster remembers. */
export interface Memory {
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

/**
 * The memory of a document into which a part of a backup was written: what stands there remembers, and of what the backup
 * remembers all that came back with it. A lease that ended since the backup was made must not come back as somebody's own;
 * what stood there before the backup was written is not ours for its sake.
 *
 * @param broughtBack groups of a principal that it did not have before the backup was written; null: it was nobody
 */
export function mergeMemory(
  live: Memory,
  backup: Memory,
  broughtBack: (arn: string) => readonly string[] | null,
): Memory {
  const merged = new Map(live.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  for (const old of backup.holdings) {
    const key = old.arn.toLowerCase();
    const came = comeBack(old, broughtBack(old.arn));
    if (came) merged.set(key, union(merged.get(key), came));
  }
  return { holdings: [...merged.values()], withdrawals: bothWithdrawals(live.withdrawals, backup.withdrawals) };
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
