import { beforeEach, describe, expect, test, vi } from "vitest";
import type { TurnLedger } from "../../src/ledger/turns.ts";

/** The turns that processes share. */
export function turnContract(ledgerNow: () => TurnLedger): void {
  let ledger: TurnLedger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a turn", () => {
    test("is taken by one of all simultaneous callers, for its own name", async () => {
      const taken = await Promise.all([1, 2, 3].map(() => ledger.takeTurn("inspect", 60_000)));
      const another = await ledger.takeTurn("adopt", 60_000);

      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(another).toBe(true);
    });

    test("of many that are asked for at once is taken once for each name", async () => {
      const names = Array.from({ length: 50 }, (_, index) => `together-${index}`);

      const taken = await Promise.all([...names, ...names].map((name) => ledger.takeTurn(name, 60_000)));

      expect(taken.slice(0, 50)).toEqual(names.map(() => true));
      expect(taken.slice(50)).toEqual(names.map(() => false));
    });

    test("is one of several, where that is asked for, and they come again after their time", async () => {
      const taken = await Promise.all([1, 2, 3, 4].map(() => ledger.takeTurn("attempts", 60_000, 3)));
      await Promise.all([1, 2, 3].map(() => ledger.takeTurn("short", 20, 3)));

      expect(taken.filter(Boolean)).toHaveLength(3);
      await vi.waitUntil(() => ledger.takeTurn("short", 60_000, 3), { timeout: 5_000, interval: 5 });
    });

    test("comes again after its time", async () => {
      await ledger.takeTurn("inspect", 20);

      const again = await vi.waitUntil(() => ledger.takeTurn("inspect", 60_000), { timeout: 5_000, interval: 5 });

      expect(again).toBe(true);
    });
  });

  describe("a claimed turn", () => {
    test("is one process's until it is kept, and then no claim shortens it", async () => {
      const claimed = await Promise.all([1, 2, 3].map(() => ledger.claimTurn("notice", 3_600_000)));
      const before = await ledger.isTurnKept("notice");
      await ledger.keepTurn("notice", 3_600_000);
      const again = await ledger.claimTurn("notice", 3_600_000);

      expect(claimed.filter(Boolean)).toHaveLength(1);
      expect([before, again]).toEqual([false, false]);
      expect(await ledger.isTurnKept("notice")).toBe(true);
    });

    test("is free again where its work is undone", async () => {
      await ledger.claimTurn("notice", 3_600_000);
      await ledger.keepTurn("notice", 0);

      expect(await ledger.claimTurn("notice", 3_600_000)).toBe(true);
    });
  });

  test("of the runs over one cluster, the last one that began is the newest, in any process", async () => {
    const [first, second] = [await ledger.beginRun("staging"), await ledger.beginRun("staging")];
    const elsewhere = await ledger.beginRun("payments");

    expect(await ledger.isNewestRun("staging", first)).toBe(false);
    expect(await ledger.isNewestRun("staging", second)).toBe(true);
    expect(await ledger.isNewestRun("payments", elsewhere)).toBe(true);
    expect(await ledger.isNewestRun("nowhere", second)).toBe(false);
  });
}
