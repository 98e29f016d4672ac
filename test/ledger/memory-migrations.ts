import type { AuditEvent } from "../../src/access/audit/event.ts";
import {
  type Migration,
  migrationClosedSince,
  migrationDueAt,
  migrationNumber,
} from "../../src/access/migration/migration.ts";
import type { MigrationLedger, Shown } from "../../src/ledger/ledger.ts";

/** The moves in memory, beside the ledger in memory. Passes test/ledger/migration-contract.ts. */
export function memoryMigrations(
  append: (event: AuditEvent) => void,
  records = new Map<string, Migration>(),
): MigrationLedger {
  const shown = new Map<string, Shown>();
  const unshown = new Set<string>();
  const putOff = new Map<string, number>();
  const all = () => [...records.values()];
  return {
    get: async (id) => records.get(id) ?? null,
    latestOf: async (cluster) =>
      all()
        .filter((migration) => migration.cluster === cluster)
        .sort((a, b) => migrationNumber(b) - migrationNumber(a))[0] ?? null,
    commit: async ({ after, event }) => {
      const current = records.get(after.id) ?? null;
      if (current && JSON.stringify(current) === JSON.stringify(after)) return { type: "committed" };
      if ((current?.version ?? 0) !== after.version - 1) return { type: "conflict", current };
      records.set(after.id, structuredClone(after));
      putOff.delete(after.id);
      unshown.add(after.id);
      append(event);
      return { type: "committed" };
    },
    due: async (now, limit) =>
      all()
        .flatMap((migration) => {
          const due = migrationDueAt(migration);
          return due === null || due > now.getTime() ? [] : [{ migration, due }];
        })
        .sort((a, b) => a.due - b.due)
        .map(({ migration }) => migration)
        .slice(0, limit),
    open: async () => all().filter((migration) => migrationDueAt(migration) !== null),
    takeClosed: async ({ before, putOffUntil, limit }) => {
      const sinceOf = (migration: Migration) => putOff.get(migration.id) ?? migrationClosedSince(migration);
      const taken = all()
        .filter(
          (migration) => migrationClosedSince(migration) !== null && (sinceOf(migration) ?? 0) <= before.getTime(),
        )
        .sort((a, b) => (sinceOf(a) ?? 0) - (sinceOf(b) ?? 0))
        .slice(0, limit);
      for (const { id } of taken) putOff.set(id, putOffUntil.getTime());
      return taken;
    },
    remove: async ({ id, version, cluster }) => {
      const stored = records.get(id);
      if (!stored) return true;
      const newest = Math.max(
        ...all().flatMap((migration) => (migration.cluster === cluster ? [migrationNumber(migration)] : [])),
      );
      const isNeeded = unshown.has(id) || migrationDueAt(stored) !== null || migrationNumber(stored) === newest;
      if (stored.version !== version || isNeeded) return false;
      for (const kept of [records, shown, putOff]) kept.delete(id);
      return true;
    },
    unshown: async (limit) => [...unshown].slice(0, limit),
    shown: async (id) => shown.get(id) ?? null,
    markShown: async (id, what) => {
      const newest = records.get(id)?.version;
      if (newest === undefined) return;
      shown.set(id, what);
      if (newest === what.version) unshown.delete(id);
      else unshown.add(id);
    },
  };
}
