import type { AuditEvent } from "../../src/access/audit/event.ts";
import { type Move, moveClosedSince, moveDueAt, moveNumber } from "../../src/access/migration/move.ts";
import type { MoveLedger, Shown } from "../../src/ledger/moves.ts";

/** The moves in memory, beside the ledger in memory. Passes test/ledger/move-contract.ts. */
export function memoryMoves(append: (event: AuditEvent) => void, records = new Map<string, Move>()): MoveLedger {
  const shown = new Map<string, Shown>();
  const unshown = new Set<string>();
  const putOff = new Map<string, number>();
  const all = () => [...records.values()];
  return {
    get: async (id) => records.get(id) ?? null,
    latestOf: async (cluster) =>
      all()
        .filter((move) => move.cluster === cluster)
        .sort((a, b) => moveNumber(b) - moveNumber(a))[0] ?? null,
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
        .flatMap((move) => {
          const due = moveDueAt(move);
          return due === null || due > now.getTime() ? [] : [{ move, due }];
        })
        .sort((a, b) => a.due - b.due)
        .map(({ move }) => move)
        .slice(0, limit),
    open: async () => all().filter((move) => moveDueAt(move) !== null),
    takeClosed: async ({ before, putOffUntil, limit }) => {
      const sinceOf = (move: Move) => putOff.get(move.id) ?? moveClosedSince(move);
      const taken = all()
        .filter((move) => moveClosedSince(move) !== null && (sinceOf(move) ?? 0) <= before.getTime())
        .sort((a, b) => (sinceOf(a) ?? 0) - (sinceOf(b) ?? 0))
        .slice(0, limit);
      for (const { id } of taken) putOff.set(id, putOffUntil.getTime());
      return taken;
    },
    remove: async ({ id, version, cluster }) => {
      const stored = records.get(id);
      if (!stored) return true;
      const newest = Math.max(...all().flatMap((move) => (move.cluster === cluster ? [moveNumber(move)] : [])));
      const isNeeded = unshown.has(id) || moveDueAt(stored) !== null || moveNumber(stored) === newest;
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
